import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeFailure } from '../../src/exit.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { createApi } from '../support/api.ts';
import { launch } from '../support/process.ts';
import { eventually } from '../support/processes.ts';
import { type Stand, startStand } from '../support/stand.ts';

const plenty = 2 ** 40;

describe('F-16 the disk is full or may not be written', () => {
  let stand: Stand;
  let free = plenty;
  const api = createApi(() => stand.issuer);
  const ready = async () => {
    const response = await fetch(`${stand.issuer}/health/ready`);
    return { status: response.status, body: await response.json() };
  };
  const readyIs = (status: number) => eventually(ready, (answer) => answer.status === status);

  before(async () => {
    stand = await startStand({ freeBytes: () => free });
  });
  after(() => stand.close());

  it('refuses writes with the reason, keeps reading, is not ready, and goes on by itself', async () => {
    const { login: email, password } = stand.person;
    const { json } = await api('POST', '/auth/login', { email, password });
    free = 0;
    expect((await readyIs(503)).body).to.deep.equal({ status: 'unavailable', reasons: ['storage'] });
    const account = { email: 'new@example.test', password: 'a grey heron at the weir' };
    const refused = await api('POST', '/auth/register', account);
    expect([refused.status, refused.json.reason, refused.headers.get('retry-after')]).to.deep.equal([503, 'storage', '5']);
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: json.refreshToken, client_id: 'nobody' });
    const token = await fetch(`${stand.issuer}/token`, { method: 'POST', body: form });
    expect(token.status).to.be.oneOf([401, 503]);
    expect((await api('POST', '/auth/refresh', { refreshToken: json.refreshToken })).status).to.equal(503);
    expect((await api('GET', '/auth/me', undefined, json.accessToken)).status, 'a read').to.equal(200);
    for (const path of ['/health/live', '/jwks', '/.well-known/openid-configuration', '/signup'])
      expect((await fetch(`${stand.issuer}${path}`)).status, path).to.equal(200);
    free = plenty;
    expect((await readyIs(200)).body).to.deep.include({ status: 'ok' });
    expect((await api('POST', '/auth/register', account)).status).to.equal(201);
    expect((await api('POST', '/auth/refresh', { refreshToken: json.refreshToken })).status, 'not spent').to.equal(200);
  });

  it('ends a start with 1 and one line: no space', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'castellan-full-'));
    const options = { databaseUrl: undefined, dataDir, poolMax: 1, freeBytes: () => 2 ** 20 };
    const failure = describeFailure(await openDatabase(options).catch((error: unknown) => error));
    expect(failure).to.deep.equal({
      code: 1,
      lines: [`DATA_DIR: ${dataDir} has 1 MB of free space, the database needs 96 MB`],
    });
    rmSync(dataDir, { recursive: true });
  });

  it('ends a start with 1 and one line: no permission', async () => {
    const place = mkdtempSync(join(tmpdir(), 'castellan-closed-'));
    const closed = join(place, 'data');
    mkdirSync(closed);
    for (const directory of [closed, place]) chmodSync(directory, 0o555);
    // Whoever is root may write everywhere.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    for (const dataDir of [closed, join(place, 'other')]) {
      const child = launch('src/main.ts', [], { DATA_DIR: dataDir, PORT: '0' }, uid);
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect(child.said.err.trim()).to.match(/^no permission: [^\n]+$/);
      expect(code).to.equal(1);
    }
    chmodSync(place, 0o755);
    rmSync(place, { recursive: true });
  });
});
