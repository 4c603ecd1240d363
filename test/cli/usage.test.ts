import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { castellan, startToEnd } from '../support/process.ts';

const names = [
  'start',
  'migrate up',
  'migrate status',
  'seed',
  'doctor',
  'backup',
  'restore',
  'user create',
  'user password',
  'user list',
  'client create',
  'client list',
  'keys list',
  'keys rotate',
  'keys retire',
  'outbox list',
  'outbox show',
  'outbox retry',
  'docs',
];

describe('O12 castellan: words', function words() {
  this.timeout(120_000);
  let dataDir: string;
  beforeEach(() => {
    dataDir = join(mkdtempSync(join(tmpdir(), 'castellan-words-')), 'data');
  });
  afterEach(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));

  it('says in --help what there is, and of each command what it does', async () => {
    const all = await castellan(['--help'], {});
    expect(all).to.include({ code: 0, stderr: '' });
    for (const name of names) expect(all.stdout).to.match(new RegExp(`^ {2}${name}\\b`, 'm'));
    const each = await Promise.all(names.map((name) => castellan([...name.split(' '), '--help'], {})));
    for (const [index, { code, stdout }] of each.entries()) {
      expect(code).to.equal(0);
      expect(stdout)
        .to.match(new RegExp(`^usage: castellan ${names[index]}`))
        .and.to.include('--help');
    }
  });

  it('ends with 2 for what it does not understand, and says where to look', async () => {
    const wrong = [['sing'], ['user'], ['user', 'create'], ['keys', 'list', '--loud'], ['client', 'list', 'extra'], []];
    const answers = await Promise.all(wrong.map((args) => castellan(args, { DATA_DIR: dataDir })));
    for (const [index, { code, stdout, stderr }] of answers.entries()) {
      expect(code, wrong[index]?.join(' ')).to.equal(2);
      expect(stdout + stderr).to.include('castellan ');
    }
    expect(readdirSync(join(dataDir, '..'))).to.eql([]);
  });

  it('never takes a password by argument and asks nobody where there is no terminal', async () => {
    const { code, stderr } = await castellan(['user', 'create', 'ann@example.com'], { DATA_DIR: dataDir });
    expect(code).to.equal(2);
    expect(stderr).to.include('--password-stdin');
    const { code: refused } = await castellan(['user', 'create', 'a@example.com', '--password=x'], { DATA_DIR: dataDir });
    expect(refused).to.equal(2);
  });

  it('makes no database in order to look into one', async () => {
    const answers = await Promise.all(
      [['client', 'list'], ['migrate', 'status'], ['outbox']].map((args) => castellan(args, { DATA_DIR: dataDir })),
    );
    for (const { code, stderr } of answers) {
      expect(code).to.equal(1);
      expect(stderr).to.include('there is no database in');
    }
    expect(readdirSync(join(dataDir, '..'))).to.eql([]);
  });
});

describe('OP-05 a configuration with mistakes', function mistakes() {
  this.timeout(60_000);

  it('stops the start with 2 and names every mistake, unknown names of our families too, before anything is opened', async () => {
    const place = mkdtempSync(join(tmpdir(), 'castellan-mistakes-'));
    const env = {
      DATA_DIR: join(place, 'data'),
      PORT: 'many',
      ISSUER: 'http://id.example.com',
      WORKERS: '2',
      MASTER_KEY: 'not-a-secret-key',
      BOOTSTRAP_ADMIN_EMIAL: 'root@example.com',
      SOCIAL_GITLAB_CLIENT_ID: 'x',
      RATE_LIMITS: '{"logins":5}',
    };
    const { code, stderr, stdout } = await startToEnd(env);
    expect(code).to.equal(2);
    const lines = stderr.trim().split('\n');
    const named = ['PORT', 'ISSUER', 'WORKERS', 'MASTER_KEY', 'BOOTSTRAP_ADMIN_EMIAL', 'SOCIAL_GITLAB_CLIENT_ID', 'RATE_LIMITS'];
    for (const name of named)
      expect(
        lines.filter((line) => line.startsWith(`${name}:`)),
        name,
      ).to.have.length(1);
    expect(lines).to.have.length(named.length);
    expect(stderr + stdout).not.to.include('not-a-secret-key');
    expect(readdirSync(place)).to.eql([]);
    const doctor = await castellan(['doctor'], env);
    expect(doctor.code).to.equal(2);
    for (const name of named) expect(doctor.stdout).to.include(name);
    rmSync(place, { recursive: true });
  });
});
