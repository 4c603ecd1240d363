import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { ifGood } from '../../src/interactions/api/service.ts';
import { errors } from '../../src/platform/errors/index.ts';
import { type ApiAnswer, createApi, type Tokens } from '../support/api.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery';

describe('A1 JSON sign-in', () => {
  let stand: Stand;
  let names = 0;
  const call = createApi(() => stand.issuer);
  const newAddress = (): string => `person${++names}@example.test`;
  const login = (email: string, secret = password) => call('POST', '/auth/login', { email, password: secret });
  const register = async (email = newAddress()): Promise<string> => {
    expect((await call('POST', '/auth/register', { email, password })).status).to.equal(201);
    return email;
  };
  const signIn = async (email?: string): Promise<Tokens> => (await login(email ?? (await register()))).json;
  const me = (token: string) => call('GET', '/auth/me', undefined, token);
  const refresh = (refreshToken: string) => call('POST', '/auth/refresh', { refreshToken });

  before(async () => {
    stand = await startStand();
  });
  after(() => stand.close());

  describe('POST /auth/register', () => {
    it('makes an account that may sign in at once, unverified', async () => {
      const email = newAddress();
      const profile = { name: 'Ann Example', givenName: 'Ann' };
      const { status, json } = await call('POST', '/auth/register', { email, password, profile });
      expect(status).to.equal(201);
      expect(json.user).to.deep.include({ email, emailVerified: false, name: 'Ann Example', profile: { givenName: 'Ann' } });
      const { json: tokens } = await login(email);
      expect((await me(tokens.accessToken)).json.user).to.deep.equal(json.user);
    });

    it('PW-05 answers a taken address like a new one, and changes nothing', async () => {
      const email = await register();
      const before = (await login(email)).json.user;
      const taken = await call('POST', '/auth/register', { email: email.toUpperCase(), password: 'another password' });
      const fresh = await call('POST', '/auth/register', { email: newAddress(), password });
      expect(taken.status).to.equal(201);
      const shape = ({ json }: ApiAnswer) => [
        Object.keys(json),
        Object.keys(json.user),
        json.user.emailVerified,
        json.user.id[14],
      ];
      expect(shape(taken)).to.deep.equal(shape(fresh));
      const varying = new Set(['date', 'x-correlation-id', 'content-length', 'keep-alive']);
      const names = ({ headers }: ApiAnswer) => [...headers.keys()].filter((name) => !varying.has(name));
      expect(names(taken)).to.deep.equal(names(fresh));
      expect(taken.json.user.id).to.not.equal(before.id);
      expect((await login(email)).status).to.equal(200);
      expect((await login(email, 'another password')).status).to.equal(401);
    });

    for (const [what, body, path] of [
      ['a short password', { email: 'x@example.test', password: 'short' }, '/password'],
      ['no address', { email: 'nobody', password }, '/email'],
      ['the address as password', { email: 'somebody@example.test', password: 'somebody@example.test' }, '/password'],
      ['an unknown field', { email: 'x@example.test', password, admin: true }, '/admin'],
      ['a server-owned field', { email: 'x@example.test', password, profile: { emailVerified: true } }, '/profile/emailVerified'],
      ['a wrong type', { email: 'x@example.test', password: 12_345_678 }, '/password'],
      ['a missing field', { email: 'x@example.test' }, '/password'],
    ] as const) {
      it(`refuses ${what} and names the field`, async () => {
        const { status, json, headers } = await call('POST', '/auth/register', body);
        expect(status).to.equal(400);
        expect(headers.get('content-type')).to.match(/^application\/problem\+json/);
        expect(json.errors.map((error: { path: string }) => error.path)).to.include(path);
      });
    }

    it('PW-07 says why a password is refused, and takes a long one of lower case words', async () => {
      const tried: [string, string | undefined][] = [
        ['seven77', 'at least 8'],
        ['password1', 'breach'],
        ['Castellan2026!', 'name'],
        ['aaaaaaaaaaaaaaaaaaaaaaaa', 'guess'],
        ['a passphrase in lower case, pasted from a manager, 64 characters', undefined],
      ];
      for (const [candidate, reason] of tried) {
        const { status, json } = await call('POST', '/auth/register', { email: newAddress(), password: candidate });
        expect(status, candidate).to.equal(reason === undefined ? 201 : 400);
        if (reason !== undefined) expect(json.errors, candidate).to.have.length(1);
        if (reason !== undefined) expect(`${json.errors[0].path} ${json.errors[0].message}`, candidate).to.contain(reason);
      }
    });

    it('refuses what is not JSON', async () => {
      for (const body of ['{"email":', '"text"', '[]']) expect((await call('POST', '/auth/register', body)).status).to.equal(400);
      const asText = await call('POST', '/auth/register', '{}', undefined, { 'content-type': 'text/plain' });
      expect(asText.status).to.equal(415);
    });
  });

  describe('POST /auth/login', () => {
    it('gives an access token of the provider for our own API, by RFC 9068, and a refresh token', async () => {
      const email = await register();
      const { status, json, headers } = await login(email);
      expect(status).to.equal(200);
      expect(json).to.include({ tokenType: 'Bearer', expiresIn: 900 });
      expect(headers.get('cache-control')).to.match(/no-store/);
      const keys = await (await fetch(`${stand.issuer}/jwks`)).json();
      const keySet = createLocalJWKSet(keys as Parameters<typeof createLocalJWKSet>[0]);
      const { payload, protectedHeader } = await jwtVerify(json.accessToken, keySet, { audience: stand.issuer, typ: 'at+jwt' });
      expect(protectedHeader.alg).to.equal('ES256');
      expect(payload).to.include({ sub: json.user.id, client_id: 'castellan', scope: 'api', iss: stand.issuer });
      expect(payload).to.include.keys('acr', 'amr', 'auth_time', 'jti');
    });

    it('PW-05 refuses unknown, wrong and malformed alike', async () => {
      const email = await register();
      const answers = [
        await login(email, 'wrong password'),
        await login(newAddress(), password),
        await login('no address', password),
      ];
      const seen = answers.map(({ status, json }) => ({ status, ...json, correlationId: undefined }));
      expect(seen[0]).to.include({ status: 401 });
      expect(seen[1]).to.deep.equal(seen[0]);
      expect(seen[2]).to.deep.equal(seen[0]);
      expect(answers[0]?.headers.get('www-authenticate')).to.equal('Bearer');
    });

    it('PW-01 stops after five failures, for the right password and for an unknown account with the same answer', async () => {
      const answers = [];
      for (const email of [await register(), newAddress()]) {
        for (let attempt = 0; attempt < 5; attempt += 1) expect((await login(email, 'wrong password')).status).to.equal(401);
        const { status, headers, json } = await login(email);
        expect(status).to.equal(429);
        expect(Number(headers.get('retry-after'))).to.be.within(1, 900);
        answers.push({ ...json, correlationId: undefined });
      }
      expect(answers[1]).to.deep.equal(answers[0]);
    });

    it('PW-04 counts guesses at the current password with those at sign-in', async () => {
      const email = await register();
      const { accessToken } = await signIn(email);
      const wrong = { currentPassword: 'wrong password', newPassword: 'something else entirely' };
      for (let attempt = 0; attempt < 5; attempt += 1)
        expect((await call('POST', '/auth/change-password', wrong, accessToken)).status).to.equal(401);
      expect((await login(email)).status).to.equal(429);
    });

    it('PW-06 counts every character', async () => {
      const email = newAddress();
      const long = randomBytes(50).toString('hex');
      await call('POST', '/auth/register', { email, password: long });
      expect((await login(email, long.slice(0, 72))).status).to.equal(401);
      expect((await login(email, `${long.slice(0, 89)}!${long.slice(90)}`)).status).to.equal(401);
      expect((await login(email, long)).status).to.equal(200);
    });
  });

  describe('POST /auth/refresh', () => {
    it('rotates: the next pair works', async () => {
      const first = await signIn();
      const { status, json } = await refresh(first.refreshToken);
      expect(status).to.equal(200);
      expect(json).to.have.all.keys('accessToken', 'tokenType', 'expiresIn', 'refreshToken', 'user');
      expect(json.refreshToken).to.not.equal(first.refreshToken);
      expect((await me(json.accessToken)).status).to.equal(200);
    });

    it('TK-04 reuse of a spent token ends the family: its successor, access tokens and session', async () => {
      const first = await signIn();
      const { json: second } = await refresh(first.refreshToken);
      const mails = (await stand.database.knex('outbox').where({ topic: 'mail' })).length;
      expect((await refresh(first.refreshToken)).status).to.equal(401);
      expect((await refresh(second.refreshToken)).status).to.equal(401);
      for (const { accessToken } of [first, second]) expect((await me(accessToken)).status).to.equal(401);
      // Its owner learns of it.
      expect(await stand.database.knex('outbox').where({ topic: 'mail' })).to.have.length(mails + 1);
    });

    it('RC-02 of parallel refreshes one wins at most, and one family lives at most', async () => {
      const first = await signIn();
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(first.refreshToken)));
      expect(answers.filter(({ status }) => status === 200).length).to.be.at.most(1);
      expect(answers.every(({ status }) => status === 200 || status === 401)).to.equal(true);
    });

    it('TK-02 takes nothing but a refresh token of this client', async () => {
      const { accessToken } = await signIn();
      for (const wrong of [accessToken, 'nonsense', 'ref:nonsense']) expect((await refresh(wrong)).status).to.equal(401);
    });
  });

  describe('POST /auth/logout', () => {
    it('SE-05 calls nobody logged out whose token could not be looked up', async () => {
      expect(await ifGood(Promise.reject(errors.unauthenticated()))).to.equal(undefined);
      for (const error of [errors.unavailable(), new Error('the database is away')])
        expect(await ifGood(Promise.reject(error)).catch((thrown: unknown) => thrown)).to.equal(error);
    });

    it('SE-05 ends the session behind the access token, and every token of it', async () => {
      const { accessToken, refreshToken } = await signIn();
      expect((await call('POST', '/auth/logout', {}, accessToken)).status).to.equal(204);
      expect((await me(accessToken)).status).to.equal(401);
      expect((await refresh(refreshToken)).status).to.equal(401);
    });

    it('SE-05 ends the session behind the refresh token alone', async () => {
      const { accessToken, refreshToken } = await signIn();
      expect((await call('POST', '/auth/logout', { refreshToken })).status).to.equal(204);
      expect((await me(accessToken)).status).to.equal(401);
    });

    it('leaves other sessions alone, unless it is everywhere', async () => {
      const email = await register();
      const [one, two, three] = [await signIn(email), await signIn(email), await signIn(email)];
      await call('POST', '/auth/logout', { refreshToken: one.refreshToken }, one.accessToken);
      expect((await me(two.accessToken)).status).to.equal(200);
      expect((await call('POST', '/auth/logout', { everywhere: true }, two.accessToken)).status).to.equal(204);
      expect((await me(three.accessToken)).status).to.equal(401);
      expect((await refresh(three.refreshToken)).status).to.equal(401);
      expect((await login(email)).status).to.equal(200);
    });

    it('never ends the session of somebody else’s refresh token', async () => {
      const [mine, theirs] = [await signIn(), await signIn()];
      await call('POST', '/auth/logout', { refreshToken: theirs.refreshToken }, mine.accessToken);
      expect((await me(theirs.accessToken)).status).to.equal(200);
    });

    it('says nothing about tokens it does not know, and wants one', async () => {
      expect((await call('POST', '/auth/logout', { refreshToken: 'unknown' })).status).to.equal(204);
      const nothing = await call('POST', '/auth/logout', {});
      expect([nothing.status, nothing.headers.get('www-authenticate')]).to.deep.equal([401, 'Bearer']);
    });
  });

  describe('POST /auth/change-password', () => {
    it('PW-08 needs the current one, and ends every other session', async () => {
      const email = await register();
      const [here, there] = [await signIn(email), await signIn(email)];
      const change = (currentPassword: string, newPassword: string) =>
        call('POST', '/auth/change-password', { currentPassword, newPassword }, here.accessToken);
      expect((await change('wrong password', 'a new long password')).status).to.equal(401);
      expect((await change(password, 'short')).json.errors[0].path).to.equal('/newPassword');
      expect((await change(password, 'a new long password')).status).to.equal(204);
      expect((await me(here.accessToken)).status).to.equal(200);
      expect((await refresh(here.refreshToken)).status).to.equal(200);
      expect((await me(there.accessToken)).status).to.equal(401);
      expect((await refresh(there.refreshToken)).status).to.equal(401);
      expect((await login(email)).status).to.equal(401);
      expect((await login(email, 'a new long password')).status).to.equal(200);
    });
  });

  it('RC-11 a sign-in under way while the password changes leaves nothing of the old one alive', async () => {
    for (let round = 0; round < 4; round += 1) {
      const email = await register();
      const { accessToken: own } = await signIn(email);
      const change = { currentPassword: password, newPassword: 'a new long password' };
      const under = Array.from({ length: 3 }, () => login(email));
      const changed = call('POST', '/auth/change-password', change, own);
      const late = login(email);
      expect((await changed).status).to.equal(204);
      for (const { status, json } of await Promise.all([...under, late])) {
        if (status !== 200) continue;
        expect([(await me(json.accessToken)).status, (await refresh(json.refreshToken)).status]).to.deep.equal([401, 401]);
      }
    }
  });

  it('GET /auth/me wants a token, and challenges', async () => {
    const { status, headers } = await call('GET', '/auth/me');
    expect(status).to.equal(401);
    expect(headers.get('www-authenticate')).to.match(/^Bearer /);
  });

  it('keeps no usable token in the database', async () => {
    const { accessToken, refreshToken } = await signIn();
    const dump = JSON.stringify(await stand.database.knex('oidc_artifacts'));
    for (const secret of [accessToken, refreshToken, password]) expect(dump).to.not.include(secret);
  });
});
