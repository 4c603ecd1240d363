/** The certification plans of OpenID AuthZEN, each module by its name in the suite. */
import { expect } from 'chai';
import type { Module } from '../run.ts';

export type Members = Record<string, unknown>;
export interface Answer {
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
export type Ask = (body: unknown, send?: Send) => Promise<Answer>;

export const user = (id: string, properties?: Members) => ({ type: 'user', id, ...(properties && { properties }) });
export const act = (name: string, properties?: Members) => ({ name, ...(properties && { properties }) });
export const record = (id: string, properties?: Members) => ({ type: 'record', id, ...(properties && { properties }) });
const archived = { status: 'archived' };
export const question = (subject: Members, action: Members, resource: Members, more: Members = {}) => ({
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

type Question = (ask: Ask) => Promise<void>;

/** What every endpoint is asked, each with a good request of its own. */
const transport = (good: Members): Record<string, Question> => ({
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

const structure = (good: Members, paths: string[]): Record<string, Question> =>
  Object.fromEntries(
    paths.map((path) => {
      const [part = '', member] = path.split('.');
      return [member === undefined ? `missing-${part}` : `${part}-missing-${member}`, refuses(without(good, path))];
    }),
  );

const ignores = (body: Members, part: string, decision: boolean) =>
  decides({ ...body, [part]: { ...(body[part] as Members), surplus: [1] } }, decision);
const soft = (isSoft: boolean) => question(user('alice'), act('delete', { soft: isSoft }), record('record-1'));

const evaluation: Record<string, Question> = {
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
const evaluations: Record<string, Question> = {
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
export const allPages = async (ask: Ask, body: Members, limit: number): Promise<string[]> => {
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
const subjectSearch: Record<string, Question> = {
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
const resourceSearch: Record<string, Question> = {
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
const actionSearch: Record<string, Question> = {
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

const plans: Record<string, { path: string; questions: Record<string, Question> }> = {
  'authzen-pdp-evaluation': { path: '/access/v1/evaluation', questions: evaluation },
  'authzen-pdp-evaluations': { path: '/access/v1/evaluations', questions: evaluations },
  'authzen-pdp-subject-search': { path: '/access/v1/search/subject', questions: subjectSearch },
  'authzen-pdp-resource-search': { path: '/access/v1/search/resource', questions: resourceSearch },
  'authzen-pdp-action-search': { path: '/access/v1/search/action', questions: actionSearch },
};

/** @param token of a client that may ask for decisions */
export const asking =
  (address: string, token: string): Ask =>
  async (body, { method = 'POST', headers = {}, token: other = token } = {}) => {
    const response = await fetch(address, {
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

export const authzenModules: Record<string, Module> = Object.fromEntries(
  Object.entries(plans).flatMap(([prefix, { path, questions }]) =>
    Object.entries(questions).map(([name, ask]): [string, Module] => [
      `${prefix}-${name}`,
      async ({ target }) => ask(asking(`${target.issuer}${path}`, await target.decisionToken())),
    ]),
  ),
);
