import { expect } from 'chai';
import catalogue from '../../conformance/catalogue.json' with { type: 'json' };
import { mayInScenario, searchRecords, searchScenario, setUpCertification, setUpSearch } from '../support/authzen.ts';
import { enforcer, machineToken, personCalls } from '../support/callers.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';

type Members = Record<string, unknown>;
interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Members & { decision?: boolean; evaluations?: { decision: boolean }[]; results?: { id?: string; name?: string }[] };
}
interface Send {
  method?: string;
  headers?: Record<string, string>;
  token?: string | null;
}
type Ask = (body: unknown, send?: Send) => Promise<Answer>;

const user = (id: string, properties?: Members) => ({ type: 'user', id, ...(properties && { properties }) });
const act = (name: string, properties?: Members) => ({ name, ...(properties && { properties }) });
const record = (id: string, properties?: Members) => ({ type: 'record', id, ...(properties && { properties }) });
const archived = { status: 'archived' };
const question = (subject: Members, action: Members, resource: Members, more: Members = {}) => ({
  subject,
  action,
  resource,
  ...more,
});
const read = question(user('alice'), act('read'), record('record-1'));

const decides = (body: unknown, decision: boolean) => async (ask: Ask) => {
  const { status, json } = await ask(body);
  expect(status).to.equal(200);
  expect(json.decision).to.equal(decision);
};
const answers = (body: unknown, decisions: boolean[]) => async (ask: Ask) => {
  const { status, json } = await ask(body);
  expect(status).to.equal(200);
  expect(json.evaluations?.map(({ decision }) => decision)).to.deep.equal(decisions);
  expect(json).to.not.have.property('decision');
};
const finds = (body: unknown, least: string[]) => async (ask: Ask) => {
  const { status, json } = await ask(body);
  expect(status).to.equal(200);
  expect(json.results?.map(({ id, name }) => id ?? name)).to.include.members(least);
};
const refuses = (body: unknown) => async (ask: Ask) => {
  expect((await ask(body)).status).to.equal(400);
};
const without = (body: Members, path: string): Members => {
  const [part = '', member] = path.split('.');
  const { [part]: inner, ...rest } = body;
  if (member === undefined) return rest;
  const { [member]: _gone, ...left } = inner as Members;
  return { ...rest, [part]: left };
};

type Module = (ask: Ask) => Promise<void>;

/** What every endpoint is asked, each with a good request of its own. */
const transport = (good: Members): Record<string, Module> => ({
  'x-request-id-echoed': async (ask) => {
    const { status, headers } = await ask(good, { headers: { 'x-request-id': 'a-request-1' } });
    expect([status, headers.get('x-request-id')]).to.deep.equal([200, 'a-request-1']);
  },
  idempotency: async (ask) => {
    const texts = [await ask(good), await ask(good), await ask(good)].map(({ text }) => text);
    expect(new Set(texts).size).to.equal(1);
  },
  'reject-get-method': async (ask) => {
    expect((await ask(undefined, { method: 'GET' })).status).to.be.oneOf([400, 404, 405]);
  },
  'reject-put-method': async (ask) => {
    expect((await ask(good, { method: 'PUT' })).status).to.be.oneOf([400, 404, 405]);
  },
  'reject-top-level-array': refuses([good]),
  'reject-non-json-content-type': async (ask) => {
    expect((await ask(good, { headers: { 'content-type': 'text/plain' } })).status).to.be.oneOf([400, 415]);
  },
  'accept-content-type-with-charset': async (ask) => {
    expect((await ask(good, { headers: { 'content-type': 'application/json; charset=utf-8' } })).status).to.equal(200);
  },
  'reject-malformed-json': refuses('{"subject": {'),
  'reject-empty-body': refuses(''),
  'unknown-top-level-fields-ignored': async (ask) => {
    const extra = await ask({ ...good, surplus: { a: 1 } });
    expect([extra.status, extra.text.replace(/"next_token":"[^"]*"/, '')]).to.deep.equal([
      200,
      (await ask(good)).text.replace(/"next_token":"[^"]*"/, ''),
    ]);
  },
  'missing-credentials-returns-401': async (ask) => {
    const { status, headers } = await ask(good, { token: null });
    expect(status).to.equal(401);
    expect(headers.has('www-authenticate')).to.equal(true);
  },
  'invalid-credentials-returns-401': async (ask) => {
    expect((await ask(good, { token: 'not-a-token' })).status).to.equal(401);
  },
});

const structure = (good: Members, paths: string[]): Record<string, Module> =>
  Object.fromEntries(
    paths.map((path) => {
      const [part = '', member] = path.split('.');
      return [member === undefined ? `missing-${part}` : `${part}-missing-${member}`, refuses(without(good, path))];
    }),
  );

const ignores = (body: Members, part: string, decision: boolean) =>
  decides({ ...body, [part]: { ...(body[part] as Members), surplus: [1] } }, decision);
const soft = (isSoft: boolean) => question(user('alice'), act('delete', { soft: isSoft }), record('record-1'));

const evaluation: Record<string, Module> = {
  ...transport(read),
  ...structure(read, [
    'subject',
    'action',
    'resource',
    'subject.type',
    'subject.id',
    'action.name',
    'resource.type',
    'resource.id',
  ]),
  'fixture-request-permit-decision': decides(read, true),
  'fixture-request-deny-decision': decides(question(user('bob'), act('write'), record('record-1')), false),
  'request-with-optional-context': decides({ ...read, context: { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' } }, true),
  'request-with-additional-properties': decides(
    question(
      user('alice', { department: 'Sales', role: 'manager' }),
      act('read', { method: 'GET' }),
      record('record-1', { status: 'active', owner: 'bob' }),
    ),
    true,
  ),
  'fixture-request-deny-based-on-properties': decides(question(user('alice'), act('write'), record('record-2', archived)), false),
  'fixture-request-permit-based-on-subject-properties': decides(
    question(user('bob', { role: 'admin' }), act('write'), record('record-2', archived)),
    true,
  ),
  'fixture-request-permit-based-on-action-properties': decides(soft(true), true),
  'fixture-request-deny-based-on-action-properties': decides(soft(false), false),
  'subject-is-string': refuses({ ...read, subject: 'alice' }),
  'action-name-is-number': refuses({ ...read, action: { name: 7 } }),
  'unknown-subject-fields-ignored': ignores(read, 'subject', true),
  'unknown-resource-fields-ignored': ignores(read, 'resource', true),
  'unknown-action-fields-ignored': ignores(read, 'action', true),
};

const records = [{ resource: record('record-1') }, { resource: record('record-2') }];
const many = { subject: user('alice'), action: act('read'), evaluations: records };
const ofBob = (...names: string[]) => ({
  subject: user('bob'),
  resource: record('record-1'),
  evaluations: names.map((name) => ({ action: act(name) })),
});
const semantic = (name: string) => ({ options: { evaluations_semantic: name } });
const evaluations: Record<string, Module> = {
  ...transport(many),
  'batch-request-with-evaluations-array': answers(many, [true, true]),
  'batch-with-fixture-decisions-validated': answers(ofBob('read', 'write'), [true, false]),
  'batch-with-fully-specified-evaluations': answers(
    { evaluations: [read, question(user('bob'), act('write'), record('record-1'))] },
    [true, false],
  ),
  'batch-with-context-inheritance': answers(
    { ...many, context: { ip: '192.0.2.1' }, evaluations: [records[0], { ...records[1], context: { ip: '192.0.2.2' } }] },
    [true, true],
  ),
  'evaluation-level-errors': answers({ evaluations: [read, {}] }, [true, false]),
  'default-semantic-is-execute-all': answers(ofBob('read', 'write'), [true, false]),
  'execute-all-explicit': answers({ ...ofBob('read', 'write'), ...semantic('execute_all') }, [true, false]),
  'deny-on-first-deny': answers({ ...ofBob('read', 'write', 'read'), ...semantic('deny_on_first_deny') }, [true, false]),
  'permit-on-first-permit': answers({ ...ofBob('write', 'read', 'write'), ...semantic('permit_on_first_permit') }, [false, true]),
  'unknown-semantic-value': refuses({ ...many, ...semantic('guess') }),
  'per-eval-overrides-default': answers(
    { subject: user('bob'), action: act('write'), resource: record('record-1'), evaluations: [{ action: act('read') }, {}] },
    [true, false],
  ),
  'missing-subject-returns-decision-false': answers({ action: act('read'), evaluations: [records[0]] }, [false]),
  'missing-evaluations-array-backward-compat': decides(read, true),
  'empty-evaluations-array-backward-compat': decides({ ...read, evaluations: [] }, true),
  'batch-with-properties-validated': answers(
    {
      subject: user('alice'),
      action: act('write'),
      evaluations: [{ resource: record('record-1', { status: 'active' }) }, { resource: record('record-2', archived) }],
    },
    [true, false],
  ),
  'batch-with-subject-properties-validated': answers(
    {
      action: act('write'),
      resource: record('record-2', archived),
      evaluations: [{ subject: user('alice') }, { subject: user('bob', { role: 'admin' }) }],
    },
    [false, true],
  ),
  'batch-with-default-value-merging': answers(
    {
      subject: user('alice'),
      action: act('write'),
      resource: { type: 'record' },
      evaluations: [{ resource: { id: 'record-1' } }, { resource: { id: 'record-2', properties: archived } }],
    },
    [true, false],
  ),
};

/** Follows the tokens to the end. */
const allPages = async (ask: Ask, body: Members, limit: number): Promise<string[]> => {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const { status, json } = await ask({ ...body, page: { limit, ...(token !== undefined && { token }) } });
    expect(status).to.equal(200);
    const page = json.page as { next_token: string; count: number };
    expect(json.results?.length).to.equal(page.count);
    expect(page.count).to.be.at.most(limit);
    found.push(...(json.results ?? []).map(({ id, name }) => id ?? name ?? ''));
    token = page.next_token;
  } while (token !== '');
  return found;
};

const who = question({ type: 'user' }, act('read'), record('record-1'));
const subjectSearch: Record<string, Module> = {
  ...transport(who),
  ...structure(who, ['action', 'action.name', 'resource', 'resource.id', 'resource.type', 'subject.type']),
  'valid-subject-search-request-with-non-empty-results': finds(who, ['alice', 'bob']),
  'subject-search-with-context': finds({ ...who, context: { a: 1 } }, ['alice', 'bob']),
  'subject-search-with-subject-id-omitted': finds(who, ['alice', 'bob']),
  'request-with-page-limit': async (ask) => {
    expect(await allPages(ask, who, 1)).to.include.members(['alice', 'bob']);
  },
  'unknown-entity-type': async (ask) => {
    expect((await ask({ ...who, subject: { type: 'unheard-of' } })).json.results).to.deep.equal([]);
  },
  'action-is-string': refuses({ ...who, action: 'read' }),
  'unknown-page-fields-ignored': finds({ ...who, page: { surplus: 1 } }, ['alice', 'bob']),
  'extra-subject-id-ignored': finds({ ...who, subject: user('somebody') }, ['alice', 'bob']),
  'subject-search-with-resource-properties': finds(question({ type: 'user' }, act('write'), record('record-2', archived)), [
    'bob',
  ]),
};

const which = question(user('alice'), act('read'), { type: 'record' });
const resourceSearch: Record<string, Module> = {
  ...transport(which),
  ...structure(which, ['subject', 'subject.id', 'resource', 'resource.type', 'action', 'action.name']),
  'valid-resource-search-request-with-non-empty-results': finds(which, ['record-1']),
  'resource-search-with-resource-id-omitted': finds(which, ['record-1']),
  'extra-resource-id-ignored': finds({ ...which, resource: record('record-9') }, ['record-1']),
  'resource-search-with-subject-properties': finds(question(user('bob', { role: 'admin' }), act('write'), { type: 'record' }), [
    'record-2',
  ]),
};

const what = { subject: user('alice'), resource: record('record-1') };
const actionSearch: Record<string, Module> = {
  ...transport(what),
  ...structure(what, ['resource', 'resource.id', 'resource.type', 'subject', 'subject.id', 'subject.type']),
  'valid-action-search-request-with-non-empty-results': finds(what, ['read', 'write']),
  'action-search-with-context': finds({ ...what, context: { a: 1 } }, ['read', 'write']),
  'unknown-entity-identifier': async (ask) => {
    expect((await ask({ ...what, subject: user('unheard-of') })).json.results).to.deep.equal([]);
  },
  'subject-is-string': refuses({ ...what, subject: 'alice' }),
  'extra-action-ignored': finds({ ...what, action: act('read') }, ['read', 'write']),
  'action-search-with-properties': finds({ subject: user('bob', { role: 'admin' }), resource: record('record-2', archived) }, [
    'write',
  ]),
};

const plans: Record<string, { path: string; modules: Record<string, Module> }> = {
  'authzen-pdp-evaluation': { path: '/access/v1/evaluation', modules: evaluation },
  'authzen-pdp-evaluations': { path: '/access/v1/evaluations', modules: evaluations },
  'authzen-pdp-subject-search': { path: '/access/v1/search/subject', modules: subjectSearch },
  'authzen-pdp-resource-search': { path: '/access/v1/search/resource', modules: resourceSearch },
  'authzen-pdp-action-search': { path: '/access/v1/search/action', modules: actionSearch },
};

describe('P11 Z5 OpenID AuthZEN plans, each module by its name in the suite', () => {
  let stand: Stand;
  let token: string;
  const asking =
    (path: string): Ask =>
    async (body, { method = 'POST', headers = {}, token: other = token } = {}) => {
      const response = await fetch(`${stand.issuer}${path}`, {
        method,
        headers: {
          ...(other !== null && { authorization: `Bearer ${other}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : {} };
    };

  const start = async (): Promise<void> => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: { clients: [enforcer] },
    });
    token = await machineToken(stand);
  };

  describe('the certification plans', () => {
    before(async function setUp() {
      this.timeout(90_000);
      await start();
      await setUpCertification(await personCalls(stand, 'root@example.test', password));
    });
    after(() => stand?.close());

    for (const [prefix, { path, modules }] of Object.entries(plans)) {
      const plan = catalogue.plans.find(({ name }) => name === `${prefix}-test-plan`);
      const names = plan?.groups.flatMap((group) => group.modules) ?? [];
      it(`${prefix}-test-plan: ${names.length} modules`, async function run() {
        this.timeout(60_000);
        expect(names.length).to.be.greaterThan(10);
        const failures: string[] = [];
        for (const name of names) {
          const module = modules[name.slice(prefix.length + 1)];
          if (!module) failures.push(`${name}: we have no expression of it`);
          else await module(asking(path)).catch((error: Error) => failures.push(`${name}: ${error.message}`));
        }
        expect(failures).to.deep.equal([]);
      });
    }
  });

  describe('the search interop scenario', () => {
    before(async function setUp() {
      this.timeout(90_000);
      await start();
      await setUpSearch(await personCalls(stand, 'root@example.test', password));
    });
    after(() => stand?.close());
    const users = Object.keys(searchScenario.users);
    const actions = ['view', 'edit', 'delete'];

    it('authzen-pdp-interop-subject-search-test-plan: who may view, edit, delete each record', async () => {
      for (const { id, ...attributes } of searchRecords) {
        for (const action of actions) {
          const body = question({ type: 'user' }, act(action), record(id));
          const expected = users.filter((name) => mayInScenario(name, action, attributes));
          const found = await allPages(asking('/access/v1/search/subject'), body, 100);
          // Administrators of ours may do everything, and are found as well.
          const known = found.filter((name) => users.includes(name));
          expect(known, `${action} ${id}`).to.have.members(expected);
        }
      }
    });

    it('authzen-pdp-interop-resource-search-test-plan: which records each may view, edit, delete, also in pages of two', async () => {
      for (const name of users) {
        for (const action of actions) {
          const body = question(user(name), act(action), { type: 'record' });
          const expected = searchRecords.filter((one) => mayInScenario(name, action, one)).map(({ id }) => id);
          for (const limit of [2, 100]) {
            const found = await allPages(asking('/access/v1/search/resource'), body, limit);
            expect(found, `${name} ${action}`).to.have.members(expected);
          }
        }
      }
    });

    it('authzen-pdp-interop-action-search-test-plan: what each may do to each record', async () => {
      for (const name of users) {
        for (const { id, ...attributes } of searchRecords) {
          const { json } = await asking('/access/v1/search/action')({ subject: user(name), resource: record(id) });
          const expected = actions.filter((action) => mayInScenario(name, action, attributes));
          expect(
            json.results?.map((one) => one.name),
            `${name} ${id}`,
          ).to.have.members(expected);
        }
      }
    });

    it('AuthZEN 1.0 §8.2 a token holds for its request only; one that is left without a limit keeps it', async () => {
      const ask = asking('/access/v1/search/resource');
      const body = question(user('alice'), act('view'), { type: 'record' });
      const first = await ask({ ...body, page: { limit: 3 } });
      const { next_token: next } = first.json.page as { next_token: string };
      const second = await ask({ ...body, page: { token: next } });
      expect(second.json.results).to.have.length(3);
      for (const wrong of [
        { ...body, action: act('edit'), page: { token: next } },
        { ...body, page: { token: next, limit: 4 } },
        { ...body, page: { token: 'bm90IG91cnM' } },
      ]) {
        const { status, json } = await ask(wrong);
        expect(status).to.equal(400);
        expect((json.errors as { path: string }[])[0]?.path).to.equal('/page/token');
      }
    });
  });
});
