import { expect } from 'chai';
import { type Ask, act, allPages, asking, question, record, user } from '../../conformance/own/modules/authzen.ts';
import { mayInScenario, searchRecords, searchScenario, setUpSearch } from '../support/authzen.ts';
import { enforcer, machineToken, personCalls } from '../support/callers.ts';
import { type Stand, startStand } from '../support/stand.ts';
import { describePlans } from './suites.ts';

const password = 'correct horse battery staple';

describePlans('P11 Z5 OpenID AuthZEN certification plans', (plan) => plan.startsWith('authzen'));

describe('P11 Z5 OpenID AuthZEN search interop scenario', () => {
  let stand: Stand;
  let token: string;
  const at = (path: string): Ask => asking(`${stand.issuer}${path}`, token);

  before(async function setUp() {
    this.timeout(90_000);
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: { clients: [enforcer] },
    });
    token = await machineToken(stand);
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
        const found = await allPages(at('/access/v1/search/subject'), body, 100);
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
          const found = await allPages(at('/access/v1/search/resource'), body, limit);
          expect(found, `${name} ${action}`).to.have.members(expected);
        }
      }
    }
  });

  it('authzen-pdp-interop-action-search-test-plan: what each may do to each record', async () => {
    for (const name of users) {
      for (const { id, ...attributes } of searchRecords) {
        const { json } = await at('/access/v1/search/action')({ subject: user(name), resource: record(id) });
        const expected = actions.filter((action) => mayInScenario(name, action, attributes));
        expect(
          json.results?.map((one) => one.name),
          `${name} ${id}`,
        ).to.have.members(expected);
      }
    }
  });

  it('AuthZEN 1.0 §8.2 a token holds for its request only; one that is left without a limit keeps it', async () => {
    const ask = at('/access/v1/search/resource');
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
