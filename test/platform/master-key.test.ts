import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createApp } from '../../src/app.ts';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { callerWith } from '../support/callers.ts';
import { createTestClock } from '../support/clock.ts';
import { embeddedCopy, type TestLocation } from '../support/database.ts';
import { freePort } from '../support/process.ts';

const root = { email: 'root@example.test', password: 'correct horse battery staple' };
const provider = { name: 'octo', kind: 'github', clientId: 'ours', clientSecret: 'a secret of an upstream provider' };

describe('S5 rotation of the master key', function rotation() {
  this.timeout(120_000);
  const clock = createTestClock();
  const [old, next] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  let place: TestLocation;

  before(async () => {
    place = await embeddedCopy();
  });
  after(() => place.remove());

  const withKeys = async <Result>(masterKeys: string, work: (app: Awaited<ReturnType<typeof createApp>>) => Promise<Result>) => {
    const env = {
      DATA_DIR: place.dataDir,
      PORT: String(await freePort()),
      LOG_LEVEL: 'silent',
      MASTER_KEY: masterKeys,
      BOOTSTRAP_ADMIN_EMAIL: root.email,
      BOOTSTRAP_ADMIN_PASSWORD: root.password,
    };
    const app = await createApp(loadConfig({ env, cwd: place.dataDir }), { clock, passwordCost: 4 });
    try {
      await app.listen();
      return await work(app);
    } finally {
      await app.close();
    }
  };

  it('takes nothing from anybody once the old key is gone: factors, secrets of providers, mails, pairwise subjects', async () => {
    const before = await withKeys(old, async (app) => {
      const stranger = callerWith(app, undefined);
      const person = callerWith(app, (await stranger('POST', '/auth/login', root)).json.accessToken);
      const { json } = await person('POST', '/mfa/totp/enable', {});
      const verified = await person('POST', '/mfa/totp/verify', {
        deviceId: json.deviceId,
        code: codeAt(json.secret, stepAt(clock.now())),
      });
      expect(verified.status).to.equal(200);
      expect((await person('POST', '/identity-providers', provider)).status).to.equal(201);
      await stranger('POST', '/auth/forgot-password', { email: root.email });
      const { envelope, outbox } = app.rooms.foundation;
      return { secret: json.secret, pairwise: envelope.blindIndex('sector', 'pairwise'), mails: await outbox.list() };
    });
    expect(before.mails).not.to.have.length(0);
    await withKeys(`${next},${old}`, async () => undefined);
    clock.advance(60);
    await withKeys(next, async (app) => {
      const { envelope, outbox, database } = app.rooms.foundation;
      expect(envelope.blindIndex('sector', 'pairwise')).to.equal(before.pairwise);
      expect(await outbox.list()).to.deep.equal(before.mails);
      const [row] = await database.knex('upstream_providers').select('id', 'client_secret_sealed as sealed');
      expect(envelope.open(row.sealed, `upstream-provider:${row.id}`)).to.equal(provider.clientSecret);
      const stranger = callerWith(app, undefined);
      const { json } = await stranger('POST', '/auth/login', root);
      const code = codeAt(before.secret, stepAt(clock.now()));
      expect((await stranger('POST', '/mfa/totp/validate', { mfaToken: json.mfaToken, code })).status).to.equal(200);
    });
  });
});
