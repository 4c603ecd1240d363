import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { openDatabase } from '../../src/platform/db/index.ts';
import { embeddedCopy, type TestLocation } from '../support/database.ts';
import { castellan, type RunningServer, startServer, startToEnd } from '../support/process.ts';

const onlyLine = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';

describe('O12 castellan on an embedded database', function embedded() {
  this.timeout(180_000);
  let place: TestLocation;
  let env: Record<string, string>;
  let server: RunningServer;
  let firstPassword: string;

  const signIn = async (email: string, password: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ email, password });
    return (await fetch(`${server.issuer}/api/v1/auth/login`, { method: 'POST', headers, body })).status;
  };

  before(async () => {
    place = await embeddedCopy();
    env = { DATA_DIR: place.dataDir };
    server = await startServer(env);
    firstPassword = onlyLine(server.stderr(), /One-time password +(\S+)/);
  });
  after(async () => {
    await server.stop();
    await place.remove();
  });

  it('says at the first start where it is and, this once, the administrator’s password, which signs in', async () => {
    expect(server.stderr()).to.include(server.issuer).and.to.include('admin@localhost').and.to.include('npm run demo');
    expect(firstPassword).to.match(/^[\w-]{16,}$/);
    expect(await signIn('admin@localhost', firstPassword)).to.equal(200);
    expect(server.stdout(), 'log').not.to.include(firstPassword);
  });

  it('F-15 a second process on one directory names the holder and ends with 1, and commands that need the whole directory too', async () => {
    const [second, migrate] = await Promise.all([startToEnd(env), castellan(['migrate', 'up'], env)]);
    for (const { code, stderr } of [second, migrate]) {
      expect(code).to.equal(1);
      expect(stderr).to.include(`in use by process ${server.process.pid};`);
    }
    expect((await fetch(`${server.issuer}/health`)).status).to.equal(200);
  });

  it('makes accounts in the running server, by the rules of sign-up', async () => {
    const made = await castellan(
      ['user', 'create', 'ann@example.com', '--name', 'Ann', '--password-stdin'],
      env,
      'plum-orbit-cabin-41\n',
    );
    expect(made, made.stderr).to.include({ code: 0 });
    expect(made.stdout).to.match(/^[0-9a-f-]{36}\n$/);
    expect(await signIn('ann@example.com', 'plum-orbit-cabin-41')).to.equal(200);
    const withHash = (email: string, hash: string) => castellan(['user', 'create', email, '--hash-stdin'], env, `${hash}\n`);
    const sha = (text: string): string => createHash('sha1').update(text).digest('base64');
    expect(await withHash('hal@example.com', `{SHA}${sha('open the doors')}`)).to.include({ code: 0 });
    expect([await signIn('hal@example.com', 'open the door'), await signIn('hal@example.com', 'open the doors')]).to.deep.equal([
      401, 200,
    ]);
    const unknown = await withHash('dave@example.com', 'open the doors');
    expect([unknown.code, unknown.stderr.includes('no password hash')]).to.deep.equal([1, true]);
    const again = await castellan(['user', 'create', 'Ann@Example.com', '--generate'], env);
    expect(again.code).to.equal(1);
    expect(again.stderr).to.include('there is an account');
    const weak = await castellan(['user', 'create', 'bob@example.com', '--password-stdin'], env, 'password\n');
    expect(weak.code).to.equal(1);
    expect(weak.stderr).to.include('easy to guess');
    const { stdout } = await castellan(['user', 'list', 'ANN@', '--json'], env);
    const listed = JSON.parse(stdout) as { email: string; name: string }[];
    expect(listed.map(({ email, name }) => ({ email, name }))).to.eql([{ email: 'ann@example.com', name: 'Ann' }]);
  });

  it('changes a password, which ends what the account had', async () => {
    const headers = { 'content-type': 'application/json' };
    const made = await castellan(['user', 'create', 'eve@example.com', '--generate'], env);
    const before = onlyLine(made.stderr, /shown only now: (\S+)/);
    const body = JSON.stringify({ email: 'eve@example.com', password: before });
    const login = await fetch(`${server.issuer}/api/v1/auth/login`, { method: 'POST', headers, body });
    const { refreshToken } = (await login.json()) as { refreshToken: string };
    const changed = await castellan(['user', 'password', 'eve@example.com', '--generate'], env);
    expect(changed, changed.stderr).to.include({ code: 0 });
    const now = onlyLine(changed.stderr, /shown only now: (\S+)/);
    expect(await signIn('eve@example.com', before)).to.equal(401);
    expect(await signIn('eve@example.com', now)).to.equal(200);
    const refresh = { method: 'POST', headers, body: JSON.stringify({ refreshToken }) };
    expect((await fetch(`${server.issuer}/api/v1/auth/refresh`, refresh)).status).to.equal(401);
    expect((await castellan(['user', 'password', 'nobody@example.com', '--generate'], env)).code).to.equal(1);
  });

  it('registers an application whose secret works at once', async () => {
    const made = await castellan(['client', 'create', 'Nightly job', '--grant', 'client_credentials'], env);
    expect(made, made.stderr).to.include({ code: 0 });
    const id = onlyLine(made.stdout, /client_id +(\S+)/);
    const secret = onlyLine(made.stdout, /client_secret +(\S+)/);
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    const answer = await fetch(`${server.issuer}/token`, { method: 'POST', headers: { authorization }, body });
    expect(answer.status).to.equal(200);
    const refused = await castellan(['client', 'create', 'Bad', '--redirect-uri', 'javascript:alert(1)'], env);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.include('redirect_uris/0');
    expect((await castellan(['client', 'list'], env)).stdout)
      .to.include(id)
      .and.not.to.include(secret);
  });

  it('TK-10 ends everything that was issued before, without a restart', async () => {
    const { code, stdout } = await castellan(['revoke-all', '--reason', 'a drill', '--json'], env);
    expect([code, JSON.parse(stdout).scope]).to.deep.equal([0, 'everything']);
    expect((await castellan(['revoke-all', '--organization', '01890000-0000-7000-8000-0000000000ab'], env)).code).to.equal(1);
  });

  it('rotates signing keys without a restart', async () => {
    const kids = async (): Promise<string[]> =>
      ((await (await fetch(`${server.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    const before = await kids();
    const { code, stdout } = await castellan(['keys', 'rotate', '--alg', 'ES256', '--json'], env);
    expect(code).to.equal(0);
    const keys = JSON.parse(stdout) as { kid: string; alg: string; state: string }[];
    expect(keys.filter(({ alg }) => alg === 'ES256').map(({ state }) => state)).to.have.members(['active', 'next', 'retired']);
    expect(await kids()).to.have.length(before.length + 1);
    expect((await castellan(['keys', 'retire', 'nothing'], env)).code).to.equal(1);
    expect((await castellan(['keys', 'rotate', '--alg', 'none'], env)).code).to.equal(1);
  });

  it('doctor asks the running server and finds nothing wrong', async () => {
    const { code, stdout } = await castellan(['doctor', '--json'], { ...env, ISSUER: server.issuer });
    const findings = JSON.parse(stdout) as { check: string; state: string; message: string }[];
    expect(findings.filter(({ state }) => state !== 'ok')).to.eql([]);
    expect(code).to.equal(0);
    const directory = findings.find(({ check }) => check === 'data directory');
    expect(directory?.message).to.include(`process ${server.process.pid}`);
    expect(findings.map(({ check }) => check)).to.include.members([
      'database',
      'schema',
      'role',
      'master key',
      'signing keys',
      'disk',
      'issuer',
    ]);
  });

  it('F-11 doctor --invariants asks the running server; on a stopped one it names the first that does not hold', async () => {
    const running = await castellan(['doctor', '--invariants'], env);
    expect(running.code, running.stdout + running.stderr).to.equal(0);
    expect(running.stdout.match(/^ok +N-\d\d/gm)).to.have.length(10);
    await server.stop();
    const change = async (from: string, to: string): Promise<void> => {
      const database = await openDatabase({ databaseUrl: undefined, dataDir: place.dataDir, poolMax: 1, migrate: false });
      await database.knex('signing_keys').where({ alg: 'ES256', state: from }).update({ state: to, expires_at: null });
      await database.close();
    };
    await change('active', 'withdrawn');
    const broken = await castellan(['doctor', '--invariants', '--json'], env);
    expect(broken.code).to.equal(1);
    expect(broken.stderr).to.match(/^N-09 does not hold: an algorithm without exactly one key in use \(ES256\)/);
    expect(JSON.parse(broken.stdout).filter(({ state }: { state: string }) => state === 'failed')).to.have.length(1);
    await change('withdrawn', 'active');
    server = await startServer(env);
  });

  it('OP-01 keys, owner and channel are for its own user only', () => {
    for (const name of ['master.key', 'owner.pid', 'operator.sock']) {
      expect(statSync(join(place.dataDir, name)).mode & 0o077, name).to.equal(0);
    }
  });

  it('F-13 SIGTERM ends with 0 and frees the directory; the next start prints no password', async () => {
    expect(await server.stop('SIGTERM')).to.equal(0);
    const { code, stdout } = await castellan(['keys', 'list'], env);
    expect(code).to.equal(0);
    expect(stdout).to.include('active');
    server = await startServer(env);
    expect(server.stderr()).to.include('Castellan is ready').and.not.to.include('password');
    expect(await signIn('admin@localhost', firstPassword)).to.equal(200);
  });

  it('F-13 a second signal ends with 1 at once, however much is under way; the echo of the first does not', async () => {
    const { hostname, port, host } = new URL(server.issuer);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(`POST /token HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\ngrant_type=`);
    await once(socket, 'ready');
    expect((await fetch(`${server.issuer}/health/live`)).status, 'the request above is under way').to.equal(200);
    const ended = server.stop('SIGTERM');
    server.process.kill('SIGTERM');
    const early = await Promise.race([ended, sleep(1100, 'under way')]);
    expect(early).to.equal('under way');
    server.process.kill('SIGTERM');
    expect(await ended).to.equal(1);
    server = await startServer(env);
  });

  it('F-15 a directory whose owner was killed is taken over', async () => {
    await server.stop('SIGKILL');
    expect(existsSync(join(place.dataDir, 'operator.sock'))).to.equal(true);
    server = await startServer(env);
    expect((await castellan(['client', 'list'], env)).code).to.equal(0);
  });

  it('F-19 a wrong MASTER_KEY ends with 2 and changes nothing', async () => {
    await server.stop();
    const keysBefore = (await castellan(['keys', 'list', '--json'], env)).stdout;
    const file = join(place.dataDir, 'master.key');
    const right = readFileSync(file, 'utf8');
    const wrong = Buffer.alloc(32, 7).toString('base64url');
    const answer = await startToEnd({ ...env, MASTER_KEY: wrong, PORT: '0' });
    expect(answer.code).to.equal(2);
    expect(answer.stderr)
      .to.match(/^MASTER_KEY: /)
      .and.not.to.include(wrong);
    expect(answer.stderr.trim().split('\n')).to.have.length(1);
    const doctor = await castellan(['doctor'], { ...env, MASTER_KEY: wrong });
    expect(doctor.code).to.equal(1);
    expect(doctor.stdout).to.include('does not open the keys in use');
    writeFileSync(file, `${wrong}\n`);
    expect((await startToEnd({ ...env, PORT: '0' })).code).to.equal(2);
    writeFileSync(file, right);
    expect((await castellan(['keys', 'list', '--json'], env)).stdout).to.equal(keysBefore);
    server = await startServer(env);
    expect(await signIn('admin@localhost', firstPassword)).to.equal(200);
  });

  it('F-17 a damaged directory is never taken for empty: the start ends with 1, doctor names it', async () => {
    await server.stop();
    const version = join(place.dataDir, 'pg', 'PG_VERSION');
    rmSync(version);
    const started = await startToEnd({ ...env, PORT: '0' });
    expect(started.stderr.trim()).to.match(/^[^\n]+ is damaged: there is no PG_VERSION in it; restore a backup[^\n]+$/);
    expect(started.code).to.equal(1);
    const doctor = await castellan(['doctor'], env);
    expect(doctor.stdout).to.match(/^FAILED +database +.* is damaged/m);
    expect(doctor.code).to.equal(1);
    writeFileSync(version, '18\n');
    server = await startServer(env);
    expect(await signIn('admin@localhost', firstPassword)).to.equal(200);
  });
});
