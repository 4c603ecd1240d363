import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Api, createApi } from '../support/api.ts';
import { type Ceremony, createAuthenticator } from '../support/authenticator.ts';
import { createTestClock } from '../support/clock.ts';
import { sayFactorRule, withdrawFactorRule } from '../support/factor-policy.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const mfa = 'urn:castellan:acr:mfa';
const names = ['ann', 'bob', 'cleo', 'dan', 'eve'];

describe('A6, A7, A9 second factors by the JSON API', function api() {
  this.timeout(120_000);
  const clock = createTestClock();
  let stand: Stand;
  let call: Api;
  let mailbox: Mailbox;
  const keys = new Map<string, string>();

  before(async () => {
    const users = names.map((name) => ({ email: `${name}@example.test`, password: `the-passphrase-of-${name}` }));
    mailbox = await openMailbox();
    stand = await startStand({ clock, env: { SMTP_URL: mailbox.url }, bootstrap: { users } });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
  });

  const password = (name: string) =>
    call('POST', '/auth/login', { email: `${name}@example.test`, password: `the-passphrase-of-${name}` });
  const codeOf = (name: string, drift = 0): string => codeAt(keys.get(name) ?? '', stepAt(clock.now()) + drift);
  const freshCode = (name: string): string => {
    clock.advance(60);
    return codeOf(name);
  };
  /** A token after both factors. */
  const full = async (name: string): Promise<string> => {
    const { json } = await password(name);
    return (await call('POST', '/mfa/totp/validate', { mfaToken: json.mfaToken, code: freshCode(name) })).json.accessToken;
  };
  const enrol = async (name: string): Promise<{ token: string; codes: string[] }> => {
    const token = (await password(name)).json.accessToken as string;
    const { json } = await call('POST', '/mfa/totp/enable', {}, token);
    keys.set(name, json.secret);
    const verified = await call('POST', '/mfa/totp/verify', { deviceId: json.deviceId, code: freshCode(name) }, token);
    expect(verified.status).to.equal(200);
    return { token, codes: verified.json.recoveryCodes };
  };

  describe('A6 the classic endpoints', () => {
    it('enable, verify, login, validate, devices, disable', async () => {
      const { token, codes } = await enrol('ann');
      expect(codes).to.have.lengthOf(10);
      expect(new Set(codes).size).to.equal(10);
      const list = await call('GET', '/mfa/devices', undefined, token);
      expect(list.json.items).to.have.lengthOf(1);
      expect(list.json).to.include({ recoveryCodesLeft: 10, nextCursor: null });
      expect(JSON.stringify(list.json)).to.not.contain(keys.get('ann'));

      const login = await password('ann');
      expect(login.json).to.have.all.keys('mfaRequired', 'mfaToken', 'methods');
      expect(login.json.methods).to.deep.equal(['totp', 'recovery']);
      const done = await call('POST', '/mfa/totp/validate', { mfaToken: login.json.mfaToken, code: freshCode('ann') });
      expect(done.json).to.include({ tokenType: 'Bearer', expiresIn: 900 });
      const claims = JSON.parse(Buffer.from(done.json.accessToken.split('.')[1], 'base64url').toString());
      expect(claims).to.include({ acr: mfa });
      expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa']);

      const off = await call('POST', '/mfa/totp/disable', { code: freshCode('ann') }, done.json.accessToken);
      expect(off.status).to.equal(204);
      expect((await password('ann')).json).to.have.property('accessToken');
      for (const what of ['was added', 'was removed']) {
        expect((await mailbox.next('ann@example.test')).text)
          .to.contain(what)
          .and.contain(`${stand.issuer}/account/security`);
      }
      const rows = await stand.database.knex('recovery_codes').where({ user_id: done.json.user.id });
      expect(rows, 'recovery codes end with the last device').to.have.lengthOf(0);
    });

    it('shows a key that every app can read, drawn here', async () => {
      const token = (await password('bob')).json.accessToken as string;
      const { json } = await call('POST', '/mfa/totp/enable', {}, token);
      expect(json).to.have.all.keys('deviceId', 'secret', 'otpauthUrl', 'qrSvg');
      expect(json.qrSvg).to.match(/^<svg[\s\S]*<\/svg>$/);
      const uri = new URL(json.otpauthUrl);
      expect(uri.searchParams.get('secret')).to.equal(json.secret);
      expect(decodeURIComponent(uri.pathname)).to.contain('bob@example.test');
      const stored = await stand.database.knex('mfa_devices').where({ id: json.deviceId }).first();
      expect(JSON.stringify(stored)).to.not.contain(json.secret);
    });

    it('MF-05 refuses to add a factor with an old sign-in, by RFC 9470, and never displaces an active one', async () => {
      const { token } = await enrol('bob');
      const weak = await call('POST', '/mfa/totp/enable', {}, token);
      expect(weak.status, 'signed in without the factor there is now').to.equal(401);
      expect(weak.headers.get('www-authenticate'))
        .to.contain('error="insufficient_user_authentication"')
        .and.contain(`acr_values="${mfa}"`)
        .and.contain('max_age="600"');
      const strong = await full('bob');
      const again = await call('POST', '/mfa/totp/enable', {}, strong);
      expect(again.status).to.equal(200);
      expect((await password('bob')).json.methods, 'still the old key').to.deep.equal(['totp', 'recovery']);
      expect(await full('bob')).to.be.a('string');
      clock.advance(601);
      const late = await call('POST', '/mfa/totp/enable', {}, strong);
      expect([late.status, late.json.type]).to.deep.equal([401, weak.json.type]);
    });

    it('MF-05 refuses to remove one with neither password nor code, and with wrong ones', async () => {
      const token = await full('bob');
      for (const body of [{}, { code: '000000' }, { password: 'not-the-password' }]) {
        expect((await call('POST', '/mfa/totp/disable', body, token)).status, JSON.stringify(body)).to.equal(401);
      }
      expect((await call('POST', '/mfa/totp/disable', { code: null }, token)).status).to.equal(400);
      expect((await password('bob')).json.mfaRequired).to.equal(true);
    });

    it("refuses somebody else's device, an unknown one, and one already confirmed", async () => {
      const token = (await password('cleo')).json.accessToken as string;
      const { items } = (await call('GET', '/mfa/devices', undefined, await full('bob'))).json;
      for (const deviceId of [items[0].id, '01900000-0000-7000-8000-000000000000']) {
        expect((await call('POST', '/mfa/totp/verify', { deviceId, code: '123456' }, token)).status).to.equal(404);
        expect((await call('DELETE', `/mfa/devices/${deviceId}`, undefined, token)).status).to.equal(404);
        expect((await call('PATCH', `/mfa/devices/${deviceId}`, { name: 'mine' }, token)).status).to.equal(404);
      }
      const again = await call('POST', '/mfa/totp/verify', { deviceId: items[0].id, code: '123456' }, await full('bob'));
      expect(again.status).to.equal(409);
    });

    it('MF-06 replaces all recovery codes together', async () => {
      const { codes } = await enrol('cleo');
      const fresh = await call('POST', '/mfa/recovery-codes', undefined, await full('cleo'));
      expect(fresh.status).to.equal(200);
      const { mfaToken } = (await password('cleo')).json;
      expect((await call('POST', '/mfa/totp/validate', { mfaToken, code: codes[0] })).status).to.equal(401);
      const [first] = fresh.json.recoveryCodes;
      const done = await call('POST', '/mfa/totp/validate', { mfaToken, code: first });
      expect(done.status).to.equal(200);
      const list = await call('GET', '/mfa/devices', undefined, done.json.accessToken);
      expect(list.json.recoveryCodesLeft).to.equal(9);
    });

    it('MF-09 keeps the last factor where a policy requires one', async () => {
      const token = await full('cleo');
      await sayFactorRule(stand, { scope: 'site', target: '', requirement: 'required' });
      const { items } = (await call('GET', '/mfa/devices', undefined, token)).json;
      const removed = await call('DELETE', `/mfa/devices/${items[0].id}`, undefined, token);
      const disabled = await call('POST', '/mfa/totp/disable', { password: 'the-passphrase-of-cleo' }, token);
      await withdrawFactorRule(stand, 'site');
      expect([removed.status, disabled.status]).to.deep.equal([409, 409]);
      expect((await password('cleo')).json.mfaRequired).to.equal(true);
    });
  });

  describe('MF-03 mfaToken', () => {
    it('finishes one sign-in of one person, once, and opens nothing else', async () => {
      const { mfaToken } = (await password('bob')).json;
      for (const path of ['/auth/me', '/mfa/devices', '/sessions']) {
        expect((await call('GET', path, undefined, mfaToken)).status, path).to.equal(401);
      }
      const others = freshCode('cleo');
      expect((await call('POST', '/mfa/totp/validate', { mfaToken, code: others })).status).to.equal(401);
      const code = codeOf('bob');
      const done = await call('POST', '/mfa/totp/validate', { mfaToken, code });
      expect(done.status).to.equal(200);
      expect((await call('POST', '/mfa/totp/validate', { mfaToken, code: freshCode('bob') })).status).to.equal(401);
      expect((await call('POST', '/mfa/totp/validate', { mfaToken: 'x'.repeat(43), code })).status).to.equal(401);
    });

    it('ends after five minutes', async () => {
      const { mfaToken } = (await password('bob')).json;
      clock.advance(301);
      expect((await call('POST', '/mfa/totp/validate', { mfaToken, code: freshCode('bob') })).status).to.equal(401);
    });

    it('is refused by its shape with 400: missing, extra and wrong fields', async () => {
      const { mfaToken } = (await password('bob')).json;
      for (const body of [
        {},
        { mfaToken },
        { code: '1' },
        { mfaToken, code: 123456 },
        { mfaToken, code: '1', more: 1 },
        { mfaToken, code: [] },
      ]) {
        expect((await call('POST', '/mfa/totp/validate', body)).status, JSON.stringify(body)).to.equal(400);
      }
    });
  });

  it('MF-02 evaluates five of fifty tries at the same moment, and says when to come back', async () => {
    await enrol('dan');
    const { mfaToken } = (await password('dan')).json;
    const tries = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        call('POST', '/mfa/totp/validate', { mfaToken, code: String(index).padStart(6, '0') }),
      ),
    );
    expect(tries.filter(({ status }) => status === 401).length).to.be.at.most(5);
    const stopped = tries.find(({ status }) => status === 429);
    expect(Number(stopped?.headers.get('retry-after'))).to.be.within(1, 900);
    await mailbox.next('dan@example.test');
    expect((await mailbox.next('dan@example.test')).text).to.contain('several wrong codes');
    const next = (await password('dan')).json;
    expect((await call('POST', '/mfa/totp/validate', { mfaToken: next.mfaToken, code: freshCode('dan') })).status).to.equal(429);
  });

  describe('A7 passkeys', () => {
    const device = () => createAuthenticator(stand.issuer);
    let mine: ReturnType<typeof device>;
    let token: string;

    it('MF-07 keeps a passkey whose every step is right, and nothing of one that is wrong in any', async () => {
      token = (await password('eve')).json.accessToken;
      mine = device();
      const options = async () => (await call('POST', '/mfa/webauthn/options', undefined, token)).json;
      const keep = async (response: unknown, as = token) => call('POST', '/mfa/webauthn', { name: 'Key', response }, as);
      const wrong: Record<string, Ceremony> = {
        'another challenge': { challenge: Buffer.alloc(32).toString('base64url') },
        'another origin': { origin: 'https://evil.example' },
        'another relying party': { rpId: 'evil.example' },
        'another type': { type: 'webauthn.get' },
        'a frame of another site': { crossOrigin: true, topOrigin: 'https://evil.example' },
        'nobody present': { isPresent: false },
        'an algorithm not offered': { alg: -35 },
        'two ids': { rawId: 'AAAA' },
      };
      for (const [what, told] of Object.entries(wrong)) {
        const answer = await keep(mine.register(await options(), told));
        expect([what, answer.status]).to.deep.equal([what, 400]);
      }
      const used = await options();
      const foreign = (await password('ann')).json.accessToken;
      expect((await keep(mine.register(used), foreign)).status, 'of another session').to.equal(400);
      expect(await stand.database.knex('mfa_devices').where({ kind: 'webauthn' })).to.have.lengthOf(0);
      const good = mine.register(await options());
      const kept = await keep(good);
      expect(kept.status).to.equal(201);
      expect(kept.json.recoveryCodes).to.have.lengthOf(10);
      const strong = await full('cleo');
      const known = (await call('POST', '/mfa/webauthn/options', undefined, strong)).json;
      expect((await keep(mine.register(known), strong)).status, 'an id of somebody else').to.equal(400);
      expect((await keep(good)).status, 'a challenge used before').to.be.oneOf([400, 401]);
    });

    it('MF-08 takes an assertion whose every step is right; a wrong one changes nothing', async () => {
      const row = () =>
        stand.database.knex('mfa_devices').where({ credential_id: mine.credentialId }).first('sign_count', 'last_used_at');
      const before = await row();
      const wrong: Record<string, Ceremony> = {
        'another challenge': { challenge: Buffer.alloc(32).toString('base64url') },
        'another origin': { origin: 'https://evil.example' },
        'another relying party': { rpId: 'evil.example' },
        'a frame of another site': { crossOrigin: true, topOrigin: 'https://evil.example' },
        'a flipped bit': { isForged: true },
        'two ids': { rawId: 'AAAA' },
        'another type': { type: 'webauthn.create' },
        'nobody present': { isPresent: false },
        'the handle of somebody else': { userHandle: 'AAAA' },
      };
      for (const [what, told] of Object.entries(wrong)) {
        clock.advance(16 * 60);
        const { mfaToken } = (await password('eve')).json;
        const { json } = await call('POST', '/mfa/webauthn/challenge', { mfaToken });
        const answer = await call('POST', '/mfa/webauthn/validate', { mfaToken, response: mine.sign(json, told) });
        expect([what, answer.status]).to.deep.equal([what, 401]);
      }
      expect(await row()).to.deep.equal(before);

      clock.advance(16 * 60);
      const { mfaToken, methods } = (await password('eve')).json;
      expect(methods).to.deep.equal(['webauthn', 'recovery']);
      const { json } = await call('POST', '/mfa/webauthn/challenge', { mfaToken });
      const response = mine.sign(json);
      const done = await call('POST', '/mfa/webauthn/validate', { mfaToken, response });
      expect(done.status).to.equal(200);
      const next = (await password('eve')).json;
      expect((await call('POST', '/mfa/webauthn/validate', { mfaToken: next.mfaToken, response })).status, 'twice').to.equal(401);
    });

    it('MF-08 a passkey and an app that were removed meanwhile finish nothing', async () => {
      clock.advance(16 * 60);
      const spare = device();
      const session = async () => {
        const { mfaToken } = (await password('eve')).json;
        const { json } = await call('POST', '/mfa/webauthn/challenge', { mfaToken });
        return { mfaToken, response: mine.sign(json) };
      };
      const first = await session();
      const { json: strong } = await call('POST', '/mfa/webauthn/validate', first);
      const made = (await call('POST', '/mfa/webauthn/options', undefined, strong.accessToken)).json;
      const kept = await call('POST', '/mfa/webauthn', { response: spare.register(made) }, strong.accessToken);
      const { mfaToken } = (await password('eve')).json;
      const { json: asked } = await call('POST', '/mfa/webauthn/challenge', { mfaToken });
      const removed = await call('DELETE', `/mfa/devices/${kept.json.deviceId}`, undefined, strong.accessToken);
      expect(removed.status).to.equal(204);
      const late = await call('POST', '/mfa/webauthn/validate', { mfaToken, response: spare.sign(asked) });
      expect(late.status, 'a passkey').to.equal(401);

      const app = (await call('POST', '/mfa/totp/enable', {}, strong.accessToken)).json;
      keys.set('eve', app.secret);
      const code = freshCode('eve');
      expect((await call('POST', '/mfa/totp/verify', { deviceId: app.deviceId, code }, strong.accessToken)).status).to.equal(200);
      const waiting = (await password('eve')).json;
      expect((await call('DELETE', `/mfa/devices/${app.deviceId}`, undefined, strong.accessToken)).status).to.equal(204);
      const typed = await call('POST', '/mfa/totp/validate', { mfaToken: waiting.mfaToken, code: freshCode('eve') });
      expect(typed.status, 'an app').to.equal(401);
      expect((await password('eve')).json.methods).to.deep.equal(['webauthn', 'recovery']);
    });

    it('A7 signs in by a passkey alone only where it checked its user, and reports a counter that went back', async () => {
      const ask = async () => (await call('POST', '/auth/passkey/options')).json;
      const answer = (flow: string, response: unknown) => call('POST', '/auth/passkey', { flow, response });
      const weak = await ask();
      expect((await answer(weak.flow, mine.sign(weak.options, { isVerified: false }))).status).to.equal(401);
      const good = await ask();
      const other = await ask();
      expect((await answer(other.flow, mine.sign(good.options))).status, 'the question of another sign-in').to.equal(401);
      const again = await ask();
      const done = await answer(again.flow, mine.sign(again.options));
      expect(done.json.user.email).to.equal('eve@example.test');
      const stale = await ask();
      expect((await answer(stale.flow, mine.sign(stale.options, { signCount: 1 }))).status).to.equal(401);
      const reports = () => stand.database.knex('audit_events').where({ type: 'mfa.clone_suspected' });
      const giveUp = Date.now() + 30_000;
      while ((await reports()).length === 0 && Date.now() < giveUp) await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await reports()).to.have.lengthOf(1);
    });
  });
});
