import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import pg from 'pg';
import { emptyPostgres } from '../support/database.ts';
import { castellan, type Environment, launch, startServer, startToEnd } from '../support/process.ts';
import { describeWith, redisUrl } from '../support/services.ts';

const masterKey = Buffer.alloc(32, 3).toString('base64url');

/** Asks until the answer is yes. */
const until = async (what: string, question: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 1200; tries += 1) {
    if (await question()) return;
    await sleep(50);
  }
  throw new Error(`never: ${what}`);
};

const onEmpty = async (work: (env: Environment, client: pg.Client) => Promise<void>): Promise<void> => {
  const place = await emptyPostgres();
  const client = new pg.Client({ connectionString: place.databaseUrl });
  await client.connect();
  try {
    await work({ DATABASE_URL: place.databaseUrl, MASTER_KEY: masterKey, DATA_DIR: place.dataDir }, client);
  } finally {
    await client.end();
    await place.remove();
  }
};

const count = async (client: pg.Client, sql: string): Promise<number> => Number((await client.query(sql)).rows[0].count);

describeWith(['postgres'], 'O12 castellan on PostgreSQL', () => {
  it('migrates, says so, seeds twice with one result, and works on the database itself', () =>
    onEmpty(async (env) => {
      const fresh = await castellan(['migrate', 'status'], env);
      expect(fresh.code).to.equal(1);
      expect(fresh.stdout).to.match(/^waiting +0001_/);
      const refused = await castellan(['client', 'list'], env);
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('castellan migrate up');
      const up = await castellan(['migrate'], env);
      expect(up, up.stderr).to.include({ code: 0 });
      expect((await castellan(['migrate', 'status'], env)).code).to.equal(0);
      const [first, again] = [await castellan(['seed'], env), await castellan(['seed'], env)];
      expect(first.stderr).to.match(/password, shown only now: \S{16,}/);
      expect(again.stderr).not.to.include('password');
      const made = await castellan(['client', 'create', 'Web', '--redirect-uri', 'https://web.example/cb'], env);
      expect(made, made.stderr).to.include({ code: 0 });
      const doctor = await castellan(['doctor'], env);
      expect(doctor.stdout)
        .to.match(/^ok +database +reachable, PostgreSQL/m)
        .and.to.match(/^ok +clock/m);
      expect(doctor.code, doctor.stdout).to.equal(0);
    })).timeout(180_000);

  it('O6 F-21 pg_dump and pg_restore, as docs/operators/backup.md says, then doctor --after-restore', async function dumped() {
    await onEmpty(async (env) => {
      const url = env.DATABASE_URL ?? '';
      const seeded = await castellan(['seed'], { ...env, BOOTSTRAP_ADMIN_PASSWORD: 'a lantern over the quay' });
      expect(seeded, seeded.stderr).to.include({ code: 0 });
      const file = join(env.DATA_DIR ?? '', 'castellan.dump');
      const tool = promisify(execFile);
      const isDumped = await tool('pg_dump', ['--format=custom', `--file=${file}`, url]).then(
        () => true,
        () => false,
      );
      if (!isDumped) {
        console.error('skipped: no pg_dump that fits the server');
        return this.skip();
      }
      await onEmpty(async (other, client) => {
        const there = { ...env, DATABASE_URL: other.DATABASE_URL ?? '' };
        await tool('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${there.DATABASE_URL}`, file]);
        const mended = await castellan(['doctor', '--after-restore'], there);
        expect(mended, mended.stderr).to.include({ code: 0 });
        expect(await count(client, `select count(*) from audit_events where type = 'system.restored'`)).to.equal(1);
        const held = await castellan(['doctor', '--invariants'], there);
        expect(held.code, held.stdout).to.equal(0);
        expect((await castellan(['backup', file], there)).stderr).to.include('pg_dump');
      });
    });
  }).timeout(180_000);

  it('F-01 a wrong password or database name ends with 2 and one line', async () => {
    const place = await emptyPostgres();
    const url = new URL(place.databaseUrl);
    url.pathname = '/castellan_no_such_database';
    const env = { DATABASE_URL: url.href, MASTER_KEY: masterKey, PORT: '0' };
    const [{ code, stderr }, doctor] = [await startToEnd(env), await castellan(['doctor'], env)];
    await place.remove();
    expect(doctor.stderr).to.equal('');
    expect(doctor.stdout).to.match(/^FAILED +database +DATABASE_URL: there is no such database/m);
    expect(doctor.code).to.equal(1);
    expect(stderr.trim().split('\n')).to.have.length(1);
    expect(stderr).to.match(/^DATABASE_URL: /);
    expect(code).to.equal(2);
  }).timeout(60_000);

  it('F-20 F-13 a migrator told to end half-way ends with 0, a killed one too leaves nothing behind, and the next one finishes', () =>
    onEmpty(async (env, client) => {
      const { DATABASE_URL: connectionString } = env;
      const other = new pg.Client({ connectionString });
      await other.connect();
      // Should the test fail, its database goes under this connection.
      other.on('error', () => undefined);
      // Another transaction that is about to make a table of ours: the migrator waits at it, in the middle of its work.
      await other.query('begin; create table oidc_artifacts (waits int)');
      const blocked = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      for (const [signal, code] of [
        ['SIGTERM', 0],
        ['SIGKILL', null],
      ] as const) {
        const waiting = await count(client, blocked);
        const migrator = launch('src/main.ts', [], { ...env, PORT: '0' });
        await until('the migrator waits', async () => {
          expect(migrator.exitCode, migrator.said.err).to.equal(null);
          return (await count(client, blocked)) > waiting;
        });
        const ended = once(migrator, 'close');
        migrator.kill(signal);
        expect((await ended)[0], migrator.said.err).to.equal(code);
      }
      await other.query('rollback');
      await other.end();
      // The server finds out once it is done waiting.
      const sessions = `select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`;
      await until('the dead process is noticed', async () => (await count(client, sessions)) === 1);
      const made = `select count(*) from pg_tables where schemaname = 'public' and tablename = 'users'`;
      expect(await count(client, made)).to.equal(0);
      const up = await castellan(['migrate', 'up'], env);
      expect(up, up.stderr).to.include({ code: 0 });
      expect((await castellan(['migrate', 'status'], env)).code).to.equal(0);
    })).timeout(180_000);

  it('F-20 two replicas that start together on an empty database make one schema, one administrator, one set of keys', () =>
    onEmpty(async (env, client) => {
      const replicas = await Promise.all([startServer(env), startServer(env)]);
      const banners = replicas.map((replica) => replica.stderr()).join('');
      expect(banners.match(/One-time password/g)).to.have.length(1);
      expect(await count(client, 'select count(*) from users')).to.equal(1);
      expect(await count(client, `select count(*) from signing_keys where state = 'active' and alg = 'RS256'`)).to.equal(1);
      const jwks = await Promise.all(replicas.map(async ({ issuer }) => (await fetch(`${issuer}/jwks`)).text()));
      expect(jwks[0]).to.equal(jwks[1]);
      // OP-08: a rotation at the command line reaches both.
      await castellan(['keys', 'rotate', '--alg', 'RS256'], env);
      for (const [index, { issuer }] of replicas.entries()) {
        await until('the rotation arrives', async () => (await (await fetch(`${issuer}/jwks`)).text()) !== jwks[index]);
      }
      expect(await Promise.all(replicas.map((replica) => replica.stop()))).to.eql([0, 0]);
    })).timeout(180_000);
});

/** Of a process. */
const childrenOf = (pid = 0): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

describeWith(['postgres', 'redis'], 'O9 WORKERS', () => {
  it('F-13 F-14 two workers with Redis share the port, one that is killed is replaced; SIGTERM lets a request under way finish and ends with 0', () =>
    onEmpty(async (env) => {
      const server = await startServer({ ...env, REDIS_URL: redisUrl, WORKERS: '2' });
      const { port } = new URL(server.issuer);
      for (let turn = 0; turn < 6; turn += 1) {
        expect((await fetch(`${server.issuer}/.well-known/openid-configuration`)).status).to.equal(200);
      }
      // F-14: a worker that dies is replaced, and the other one serves meanwhile.
      const [victim = 0, other = 0] = childrenOf(server.process.pid);
      process.kill(victim, 'SIGKILL');
      await until('another worker', async () => {
        const now = childrenOf(server.process.pid);
        return now.length === 2 && now.includes(other) && !now.includes(victim);
      });
      expect(server.process.exitCode).to.equal(null);
      expect(server.stderr()).to.match(/a worker ended \(SIGKILL\); another one starts in 0\.5 s/);
      const body = 'grant_type=client_credentials&client_id=nobody&client_secret=x';
      const socket = connect(Number(port), 'localhost');
      await once(socket, 'connect');
      const head = `POST /token HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-www-form-urlencoded\r\n`;
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      await sleep(300);
      const ended = server.stop('SIGTERM');
      const isRefused = (): Promise<boolean> =>
        fetch(`${server.issuer}/health/live`).then(
          () => false,
          () => true,
        );
      await until('new connections are refused', isRefused);
      socket.write(body.slice(10));
      await once(socket, 'close');
      expect(answer)
        .to.match(/^HTTP\/1\.1 401 /)
        .and.to.include('invalid_client');
      expect(await ended).to.equal(0);
    })).timeout(180_000);
});
