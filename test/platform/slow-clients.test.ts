import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { loadConfig } from '../../src/platform/config/index.ts';
import { createHttpServer } from '../../src/platform/http/index.ts';
import { eventually } from '../support/processes.ts';
import { type Stand, startStand } from '../support/stand.ts';

describe('OP-07 slow clients', () => {
  let stand: Stand;
  before(async () => {
    stand = await startStand();
  });
  after(() => stand.close());

  const pool = (): { numUsed(): number; numPendingAcquires(): number } => stand.database.knex.client.pool;
  const open = async (text: string): Promise<Socket> => {
    const socket = connect(stand.port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  const head = (path: string, extra = ''): string => `POST ${path} HTTP/1.1\r\nHost: localhost:${stand.port}\r\n${extra}`;
  const login = async (): Promise<number> => {
    const { login: email, password } = stand.person;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password }) };
    return (await fetch(`${stand.issuer}/api/v1/auth/login`, init)).status;
  };

  it('headers, bodies and idle connections have their time, headers and connections their number', () => {
    const server = createHttpServer(loadConfig({ env: { DATA_DIR: ':memory:' }, cwd: '.' }));
    expect(server).to.include({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, timeout: 120_000 });
    expect(server.maxConnections).to.equal(10_000);
  });

  it('hold no connection of the database, of which there is one, while their bodies come', async () => {
    const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant_type=';
    const json = 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"email":';
    const texts = [head('/token'), head('/token', form), head('/par', form), head('/api/v1/auth/login', json), 'GET /jw'];
    const sockets = await Promise.all(Array.from({ length: 50 }, (_, index) => open(texts[index % texts.length] ?? '')));
    expect(await login()).to.equal(200);
    expect([pool().numUsed(), pool().numPendingAcquires()]).to.deep.equal([0, 0]);
    for (const socket of sockets) socket.destroy();
  });

  it('who aborts leaves the pool idle', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'nobody', client_secret: 'x' }).toString();
    const type = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (let round = 0; round < 5; round += 1) {
      const sockets = await Promise.all(Array.from({ length: 40 }, () => open(head('/token', type) + body)));
      for (const socket of sockets) socket.resetAndDestroy();
    }
    const used = await eventually(
      async () => pool().numUsed() + pool().numPendingAcquires(),
      (count) => count === 0,
    );
    expect(used).to.equal(0);
    expect(await login()).to.equal(200);
  });
});
