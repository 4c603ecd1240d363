/** The flows of F-11 as people and applications go through them. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createApi } from '../support/api.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import type { Mortal, MortalOptions } from '../support/mortal.ts';
import { type OidcStandIn, openOidcStandIn } from '../support/upstreams.ts';
import { authenticationFlows, socialSettings } from './kill-authentication.ts';
import type { KilledFlow } from './kill-walk.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };
const password = 'a grey heron at the weir';
const changed = 'two swans over the mill pond';
const fresh = (): string => randomBytes(6).toString('hex');

/** What the flows expect of the application, and the mail server beside it. */
export interface Stage {
  options: Omit<MortalOptions, 'engine'>;
  mailbox: Mailbox;
  google: OidcStandIn;
  close(): Promise<void>;
}

export const stage = async (): Promise<Stage> => {
  const [mailbox, google] = await Promise.all([openMailbox(), openOidcStandIn()]);
  const env = { SMTP_URL: mailbox.url, ...socialSettings(google) };
  const close = async (): Promise<void> => void (await Promise.all([mailbox.close(), google.close()]));
  return { options: { env, bootstrap: { clients: [webClient(web)] } }, mailbox, google, close };
};

export const killedFlows = (mortal: Mortal, { mailbox, google }: Stage): KilledFlow[] => {
  const api = createApi(() => mortal.issuer);
  const flows: Flows = createFlows(mortal.issuer, web, mortal.person);
  const status = async (answer: Promise<{ status: number; json: unknown }>, ...wanted: number[]): Promise<void> => {
    const { status: got, json } = await answer;
    expect(wanted, `${got} ${JSON.stringify(json)}`).to.include(got);
  };
  const login = (email: string, secret: string) => api('POST', '/auth/login', { email, password: secret });
  const tokensOf = async (email: string, secret: string): Promise<{ accessToken: string; refreshToken: string }> => {
    const answer = await login(email, secret);
    expect(answer.status, JSON.stringify(answer.json)).to.equal(200);
    return answer.json;
  };
  const administrator = async (): Promise<string> =>
    (await tokensOf(mortal.administrator.login, mortal.administrator.password)).accessToken;
  const registered = async (): Promise<{ email: string; id: string; token: string }> => {
    const email = `${fresh()}@example.test`;
    await status(api('POST', '/auth/register', { email, password }), 201);
    const { status: got, json } = await login(email, password);
    expect(got, JSON.stringify(json)).to.equal(200);
    return { email, id: json.user.id, token: await administrator() };
  };

  const signUp: KilledFlow = {
    name: 'sign-up',
    prepare: async () => ({ email: `${fresh()}@example.test` }),
    run: ({ email }) => status(api('POST', '/auth/register', { email, password }), 201),
    again: async ({ email = '' }) => {
      await status(api('POST', '/auth/register', { email, password }), 201);
      await status(login(email, password), 200);
    },
  };
  const signIn: KilledFlow = {
    name: 'login',
    prepare: async () => ({}),
    run: () => status(login(mortal.person.login, mortal.person.password), 200),
    again: () => status(login(mortal.person.login, mortal.person.password), 200),
  };
  const exchange: KilledFlow = {
    name: 'code-exchange',
    prepare: async () => ({ ...(await flows.code()) }),
    run: async ({ code = '', verifier = '' }) =>
      expect((await flows.redeem({ code, verifier })).status).to.equal(200) && undefined,
    again: async ({ code = '', verifier = '' }) => {
      const first = await flows.redeem({ code, verifier });
      if (first.status !== 200) expect(first.body.error).to.equal('invalid_grant');
      expect((await flows.redeem({ code, verifier })).body.error, 'a second use').to.equal('invalid_grant');
      await flows.tokens();
    },
  };
  const refresh: KilledFlow = {
    name: 'refresh',
    prepare: async () => ({ refresh: (await flows.tokens()).refresh }),
    run: async ({ refresh: token = '' }) => expect((await flows.refresh(token)).status).to.equal(200) && undefined,
    again: async ({ refresh: token = '' }) => {
      const first = await flows.refresh(token);
      if (first.status !== 200) expect(first.body.error).to.equal('invalid_grant');
      expect((await flows.refresh(token)).body.error, 'a second use').to.equal('invalid_grant');
      await flows.tokens();
    },
  };
  const everywhere: KilledFlow = {
    name: 'logout-everywhere',
    prepare: async () => {
      const { email } = await registered();
      const [one, other] = [await tokensOf(email, password), await tokensOf(email, password)];
      return { email, one: one.refreshToken, other: other.refreshToken, access: one.accessToken };
    },
    run: ({ one }) => status(api('POST', '/auth/logout', { refreshToken: one, everywhere: true }), 204),
    again: async ({ email = '', one, other, access }) => {
      const before = (await api('GET', '/auth/me', undefined, access)).status;
      expect([200, 401]).to.include(before);
      await status(api('POST', '/auth/logout', { refreshToken: one, everywhere: true }), 204);
      for (const refreshToken of [one, other]) await status(api('POST', '/auth/refresh', { refreshToken }), 401);
      await status(api('GET', '/auth/me', undefined, access), 401);
      await status(login(email, password), 200);
    },
  };
  const createClient: KilledFlow = {
    name: 'client-creation',
    prepare: async () => ({ id: fresh(), token: await administrator() }),
    run: ({ id, token }) => status(api('POST', '/clients', { client_id: id, ...machine }, token), 201),
    again: async ({ id, token }) => {
      const { status: got, json } = await api('POST', '/clients', { client_id: id, ...machine }, token);
      expect([201, 409]).to.include(got);
      // Who never saw the secret makes another.
      const secret =
        got === 201 ? json.client_secret : (await api('POST', `/clients/${id}/secrets`, {}, token)).json.client_secret;
      await works(id, secret);
    },
  };
  const works = async (id = '', secret = ''): Promise<void> => {
    const { status: got, body } = await createFlows(mortal.issuer, { id, secret }, mortal.person).post('/token', {
      grant_type: 'client_credentials',
    });
    expect(got, JSON.stringify(body)).to.equal(200);
  };
  const rotateSecret: KilledFlow = {
    name: 'secret-rotation',
    prepare: async () => {
      const [id, token] = [fresh(), await administrator()];
      const { json } = await api('POST', '/clients', { client_id: id, ...machine }, token);
      return { id, token, secret: json.client_secret };
    },
    run: ({ id, token }) => status(api('POST', `/clients/${id}/secrets`, {}, token), 201),
    again: async ({ id, token, secret }) => {
      await works(id, secret);
      let made = await api('POST', `/clients/${id}/secrets`, {}, token);
      if (made.status === 409) {
        // Two are live: the one that nobody saw goes, and there is room for another.
        const { json: client } = await api('GET', `/clients/${id}`, undefined, token);
        const unseen = client.secrets.find(({ expiresAt }: { expiresAt: string | null }) => expiresAt === null);
        await status(api('DELETE', `/clients/${id}/secrets/${unseen.id}`, undefined, token), 204);
        made = await api('POST', `/clients/${id}/secrets`, {}, token);
      }
      expect(made.status, JSON.stringify(made.json)).to.equal(201);
      const { json } = made;
      await works(id, json.client_secret);
    },
  };
  const rotateKeys: KilledFlow = {
    name: 'key-rotation',
    prepare: async () => ({ token: await administrator() }),
    run: ({ token }) => status(api('POST', '/keys/rotate', { alg: 'ES256' }, token), 200),
    again: async ({ token }) => {
      // What was signed before is still good, and so is what is signed after another one.
      await status(api('GET', '/auth/me', undefined, token), 200);
      await status(api('POST', '/keys/rotate', { alg: 'ES256' }, token), 200);
      await status(api('GET', '/auth/me', undefined, await administrator()), 200);
    },
  };
  const grantRole: KilledFlow = {
    name: 'role-grant',
    prepare: async () => ({ ...(await registered()) }),
    run: ({ id, token }) => status(api('POST', `/rbac/users/${id}/roles`, { role: 'MODERATOR' }, token), 201),
    again: async ({ id, token }) => {
      await status(api('POST', `/rbac/users/${id}/roles`, { role: 'MODERATOR' }, token), 201, 409);
      const { json } = await api('GET', `/rbac/users/${id}/effective`, undefined, token);
      expect(json.roles.filter((role: { name?: string } | string) => JSON.stringify(role).includes('MODERATOR'))).to.have.length(
        1,
      );
    },
  };
  const revokeRole: KilledFlow = {
    name: 'role-revoke',
    prepare: async () => {
      const person = await registered();
      await status(api('POST', `/rbac/users/${person.id}/roles`, { role: 'MODERATOR' }, person.token), 201);
      return { ...person };
    },
    run: ({ id, token }) => status(api('DELETE', `/rbac/users/${id}/roles/MODERATOR`, undefined, token), 204),
    again: async ({ id, token }) => {
      await status(api('DELETE', `/rbac/users/${id}/roles/MODERATOR`, undefined, token), 204, 404);
      const { json } = await api('GET', `/rbac/users/${id}/effective`, undefined, token);
      expect(JSON.stringify(json.roles)).to.not.include('MODERATOR');
    },
  };
  const activatePolicy: KilledFlow = {
    name: 'policy-activation',
    prepare: async () => {
      const [name, token] = [fresh(), await administrator()];
      const draft = { name, effect: 'deny', target: { actions: [name] }, condition: true };
      const { status: got, json } = await api('POST', '/authz/policies', draft, token);
      expect(got, JSON.stringify(json)).to.equal(201);
      return { id: json.id, token };
    },
    run: ({ id, token }) => status(api('POST', `/authz/policies/${id}/activate`, {}, token), 200),
    again: async ({ id, token }) => {
      await status(api('POST', `/authz/policies/${id}/activate`, {}, token), 200, 409);
      expect(JSON.stringify((await api('GET', `/authz/policies/${id}`, undefined, token)).json)).to.include('active');
    },
  };
  const reset: KilledFlow = {
    name: 'password-reset',
    prepare: async () => {
      const { email } = await registered();
      await mailbox.next(email);
      const { json } = await api('POST', '/auth/forgot-password', { email });
      const { text } = await mailbox.next(email);
      return { email, flow: json.flow, token: /[?&](?:ticket|token)=([\w-]{20,})/.exec(text)?.[1] ?? '' };
    },
    run: ({ token, flow }) => status(api('POST', '/auth/reset-password', { token, flow, newPassword: changed }), 200, 204),
    again: async ({ email = '', token, flow }) => {
      const { status: got } = await api('POST', '/auth/reset-password', { token, flow, newPassword: changed });
      expect(got, 'spent, or spent now').to.be.oneOf([200, 204, 400]);
      await status(login(email, changed), 200);
      await status(login(email, password), 401);
    },
  };
  const deliver: KilledFlow = {
    name: 'outbox-delivery',
    secondsPerStart: 61,
    prepare: async () => {
      const { email } = await registered();
      await mailbox.next(email);
      await stillness(mortal);
      return { email, mails: String(mailbox.mails.length) };
    },
    run: async ({ email = '' }) => {
      await status(api('POST', '/auth/forgot-password', { email }), 202);
      await stillness(mortal);
    },
    again: async ({ email = '', mails }) => {
      const own = () => mailbox.mails.slice(Number(mails)).filter(({ to }) => to.includes(email));
      const asked = await api('POST', '/auth/forgot-password', { email });
      expect(asked.status).to.equal(202);
      for (let wait = 0; wait < 200 && own().length === 0; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(own().length, 'mails').to.be.within(1, 3);
      await stillness(mortal);
      const ids = own().map(({ headers }) => headers.get('message-id')?.[0]);
      expect(ids.every((id) => id !== undefined)).to.equal(true);
    },
  };
  const others = authenticationFlows(mortal, google);
  const rights = [grantRole, revokeRole, activatePolicy];
  return [
    signUp,
    signIn,
    reset,
    exchange,
    refresh,
    everywhere,
    createClient,
    rotateSecret,
    rotateKeys,
    ...rights,
    deliver,
    ...others,
  ];
};

const machine = { client_name: 'Job', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };

/** Until no statement has been sent for a moment. */
const stillness = async (mortal: Mortal): Promise<void> => {
  let [before, quiet] = [-1, 0];
  for (let turn = 0; turn < 200 && quiet < 4; turn += 1) {
    const now = await mortal.count();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
};
