import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Module, Parameters, Run, SignedIn } from '../run.ts';

const noSession = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];

/** Signs in twice in one browser; between the two, time passes. */
const twice = async (
  run: Run,
  {
    first = {},
    second,
    wait = 1,
  }: { first?: Parameters; second: Parameters | ((signedIn: SignedIn) => Parameters); wait?: number },
): Promise<[SignedIn, SignedIn]> => {
  const browser = run.browser();
  const client = await run.client();
  const one = await run.signIn({ client, browser, parameters: first });
  run.later(wait);
  const two = await run.signIn({ client, browser, parameters: typeof second === 'function' ? second(one) : second });
  assert.equal(two.idToken.sub, one.idToken.sub, 'the same person');
  return [one, two];
};

const silent = ({ visit }: SignedIn): void =>
  assert.deepEqual(
    visit.shown.filter((kind) => kind !== 'form-post'),
    [],
    'no page is shown',
  );

const shownAgain = (run: Run, [one, two]: [SignedIn, SignedIn]): void => {
  assert(two.visit.shown.includes('sign-in'), 'the sign-in page is shown again');
  const [before, after] = [one.idToken.auth_time, two.idToken.auth_time];
  if (typeof before === 'number' && typeof after === 'number') assert(after > before, 'auth_time is later');
  run.reviewed = true;
};

/** OIDC Core §3.1.2.1: what `prompt`, `max_age` and `id_token_hint` do to a session. */
export const sessionModules: Record<string, Module> = {
  'oidcc-prompt-login': async (run) => shownAgain(run, await twice(run, { second: { prompt: 'login' } })),
  'oidcc-prompt-none-not-logged-in': async (run) => {
    const client = await run.client();
    await run.refused(client, run.parameters(client, { prompt: 'none', state: randomBytes(64).toString('hex') }), noSession);
  },
  'oidcc-prompt-none-logged-in': async (run) => {
    const [one, two] = await twice(run, { second: { prompt: 'none' } });
    silent(two);
    assert.equal(two.idToken.auth_time, one.idToken.auth_time, 'auth_time is unchanged');
  },
  'oidcc-max-age-1': async (run) => {
    const both = await twice(run, { second: { max_age: '1' }, wait: 2 });
    shownAgain(run, both);
    assert.equal(typeof both[1].idToken.auth_time, 'number', 'max_age puts auth_time into the ID token');
  },
  'oidcc-max-age-10000': async (run) => {
    const [one, two] = await twice(run, { first: { max_age: '15000' }, second: { max_age: '10000' } });
    silent(two);
    assert.equal(typeof one.idToken.auth_time, 'number', 'max_age puts auth_time into the ID token');
    assert.equal(two.idToken.auth_time, one.idToken.auth_time, 'auth_time is unchanged');
  },
  'oidcc-id-token-hint': async (run) => {
    const [one, two] = await twice(run, { second: ({ rawIdToken }) => ({ prompt: 'none', id_token_hint: rawIdToken }) });
    silent(two);
    assert.equal(two.idToken.auth_time, one.idToken.auth_time, 'auth_time is unchanged');
  },
};
