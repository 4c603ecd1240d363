import type { lookup } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { parseNetworks } from '../../src/platform/config/index.ts';
import { createOutbound, OutboundError } from '../../src/platform/outbound/index.ts';
import { createTestClock } from '../support/clock.ts';

const outbound = (allow: { hosts?: string[]; networks?: string[] } = {}, clock = createTestClock(), refused: URL[] = []) =>
  createOutbound({
    config: { outboundAllow: { hosts: allow.hosts ?? [], networks: parseNetworks(allow.networks ?? []).networks } },
    clock,
    onRefused: (url) => refused.push(url),
  });

const failure = async (call: Promise<Response>): Promise<OutboundError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.be.instanceOf(OutboundError);
  return error as OutboundError;
};

describe('S4 SF-01 SF-05 outbound calls', () => {
  let server: Server;
  let port: number;
  let requests = 0;
  let answer: (path: string) => [number, Record<string, string>, string | undefined];

  before(async () => {
    server = createServer((request, response) => {
      requests += 1;
      const [status, headers, body] = answer(request.url ?? '/');
      response.writeHead(status, headers);
      if (body === undefined) response.write('x');
      else response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    requests = 0;
    answer = () => [200, { 'content-type': 'text/plain' }, 'hello'];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  for (const host of [
    '127.0.0.1',
    'localhost',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '[::1]',
    '[fd00::1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '１２７.0.0.1',
    'user:secret@example.com',
  ]) {
    it(`refuses https://${host}/`, async () => {
      const refused: URL[] = [];
      expect((await failure(outbound({}, undefined, refused)(`https://${host}/`))).isRefused).to.equal(true);
      expect(refused).to.have.length(1);
    });
  }

  for (const address of ['http://example.com/', 'https://example.com:8443/', 'file:///etc/passwd', 'ftp://example.com/']) {
    it(`refuses ${address}`, async () => {
      expect((await failure(outbound()(address))).isRefused).to.equal(true);
    });
  }

  it('connects to nothing it refuses', async () => {
    await failure(outbound()(`http://127.0.0.1:${port}/`));
    await failure(outbound({ hosts: ['other.example.test'] })(`http://localhost:${port}/`));
    expect(requests).to.equal(0);
  });

  it('reaches a private host that the operator allows, on any port and over http', async () => {
    expect(await (await outbound({ hosts: ['localhost'] })(`http://localhost:${port}/`)).text()).to.equal('hello');
    expect(await (await outbound({ networks: ['127.0.0.0/8'] })(`http://127.0.0.1:${port}/`)).text()).to.equal('hello');
  });

  describe('SF-03 names', () => {
    const publicly = { address: '93.184.216.34', family: 4 };
    const privately = { address: '127.0.0.1', family: 4 };
    type Found = { address: string; family: number }[];
    /** A resolver that answers with these one after the other, as a name does whose owner changes it. */
    const resolving = (answers: Found[], networks: string[] = []) => {
      const seen: string[] = [];
      const resolve = ((name: string, _options: object, callback: (error: null, found: Found) => void) => {
        callback(null, answers[Math.min(seen.length, answers.length - 1)] ?? []);
        seen.push(name);
      }) as unknown as typeof lookup;
      const config = { outboundAllow: { hosts: [], networks: parseNetworks(networks).networks } };
      return { fetch: createOutbound({ config, clock: createTestClock(), resolve }), seen };
    };

    for (const [what, found] of Object.entries<Found>({
      'one private address among public ones': [publicly, privately],
      'a private IPv6 address beside a public one': [publicly, { address: 'fd00::1', family: 6 }],
      'a private address alone': [privately],
      'no address at all': [],
    })) {
      it(`SF-03 refuses a name with ${what}`, async () => {
        const { fetch, seen } = resolving([found]);
        expect(await failure(fetch('https://name.example/'))).to.be.instanceOf(OutboundError);
        expect(seen).to.deep.equal(['name.example']);
        expect(requests).to.equal(0);
      });
    }

    it('SF-03 connects to what was checked, and does not ask again', async () => {
      const { fetch, seen } = resolving([[privately], [{ address: '10.0.0.1', family: 4 }]], ['127.0.0.0/8']);
      const address = `http://127.0.0.1:${port}/`;
      expect((await fetch(address)).status).to.equal(200);
      // A name is asked for once, and its first answer is the one the socket gets.
      await failure(fetch('https://name.example/'));
      expect(seen).to.deep.equal(['name.example']);
    });
  });

  it('SF-02 follows no redirect', async () => {
    answer = () => [302, { location: `http://127.0.0.1:${port}/inner` }, ''];
    expect((await outbound({ hosts: ['localhost'] })(`http://localhost:${port}/`)).status).to.equal(302);
    expect(requests).to.equal(1);
  });

  it('SF-04 gives up on an answer that is too large', async () => {
    answer = () => [200, {}, 'x'.repeat(300 * 1024)];
    expect((await failure(outbound({ hosts: ['localhost'] })(`http://localhost:${port}/`))).isRefused).to.equal(false);
  });

  it('SF-04 gives up on an answer that does not come', async () => {
    answer = () => [200, {}, undefined];
    const call = outbound({ hosts: ['localhost'] })(`http://localhost:${port}/`);
    expect((await failure(call)).message).to.equal((await failure(outbound()('https://10.0.0.1/'))).message);
  });

  it('SF-04 leaves a host alone for a while after five failures', async () => {
    const clock = createTestClock();
    const call = outbound({ hosts: ['localhost'] }, clock);
    answer = () => [200, {}, 'x'.repeat(300 * 1024)];
    for (let attempt = 0; attempt < 5; attempt += 1) await failure(call(`http://localhost:${port}/`));
    answer = () => [200, {}, 'hello'];
    await failure(call(`http://localhost:${port}/`));
    expect(requests).to.equal(5);
    clock.advance(31);
    expect((await call(`http://localhost:${port}/`)).status).to.equal(200);
  });
});
