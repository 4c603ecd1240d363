import { request as httpRequest } from 'node:http';
import { brotliCompressSync as brotli, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createAgent, readForm } from '../support/agent.ts';
import { createTestClock } from '../support/clock.ts';
import { type Answer, ask, callback, createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };

/** Exactly these bytes and headers; `fetch` would mend some of them. */
const raw = (
  issuer: string,
  {
    path,
    method = 'GET',
    headers = {},
    body,
  }: { path: string; method?: string; headers?: Record<string, string>; body?: Buffer },
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(issuer);
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers: { host: `localhost:${port}`, ...headers } });
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

describe('IN wrong input from outside', function wrongInput() {
  this.timeout(60_000);
  const clock = createTestClock();
  let stand: Stand;
  let flows: Flows;

  before(async () => {
    stand = await startStand({ clock, bootstrap: { clients: [webClient(web)] } });
    flows = createFlows(stand.issuer, web, stand.person);
  });
  after(() => stand?.close());

  const login = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Promise<Answer> => ask(`${stand.issuer}/api/v1/auth/login`, { method: 'POST', headers, body });

  const expectProblem = (answer: Answer, statuses: number[]): void => {
    expect(statuses, JSON.stringify(answer.body)).to.include(answer.status);
    expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
    expect(answer.body).to.include.keys('type', 'title', 'status', 'correlationId');
    expect(JSON.stringify(answer.body)).not.to.match(/\bat .*\.ts|node_modules|select |insert |SQL/i);
  };

  describe('JSON API', () => {
    const json = (value: unknown): string => JSON.stringify(value);
    const good = { email: 'a@example.test', password: 'not the right one' };
    const deep = (depth: number): string => `{"email":"a@example.test","password":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const many = `{${Array.from({ length: 20_000 }, (_, index) => `"k${index}":1`).join(',')}}`;
    const cases: [string, string | Uint8Array<ArrayBuffer>, number[], string?][] = [
      ['malformed JSON', '{"email":', [400]],
      ['no JSON object', '"text"', [400]],
      ['nothing', '', [400, 415]],
      ['an unknown field', json({ ...good, admin: true }), [400], '/admin'],
      ['a missing field', json({ email: good.email }), [400], '/password'],
      ['IN-03 a list for a text', json({ ...good, email: ['a'] }), [400], '/email'],
      ['IN-03 an operator for a text', json({ ...good, password: { $ne: 1 } }), [400], '/password'],
      ['IN-03 a flag for a text', json({ ...good, email: true }), [400], '/email'],
      ['IN-03 a number beyond all', '{"email":1e400,"password":"x"}', [400], '/email'],
      ['IN-02 NUL', json({ ...good, email: 'a\u0000@example.test' }), [400], '/email'],
      ['IN-02 a lone surrogate', '{"email":"a\\ud800@example.test","password":"x"}', [400], '/email'],
      [
        'IN-02 bytes that are no UTF-8',
        new Uint8Array([...Buffer.from('{"email":"'), 0xff, 0xfe, ...Buffer.from('","password":"x"}')]),
        [400],
      ],
      ['IN-04 a prototype as a key', '{"email":"a@example.test","password":"x","__proto__":{"polluted":1}}', [400]],
      ['IN-04 a prototype further in', '{"email":{"constructor":{"prototype":{"polluted":1}}},"password":"x"}', [400]],
      ['IN-09 depth', deep(50_000), [400, 413]],
      ['IN-09 many keys', many, [400, 413]],
      ['IN-09 size', json({ ...good, password: 'x'.repeat(3_000_000) }), [413]],
    ];
    for (const [what, body, statuses, path] of cases) {
      it(`refuses ${what}`, async () => {
        const answer = await login(body);
        expectProblem(answer, statuses);
        if (path !== undefined) {
          const { errors } = answer.body as { errors: { path: string }[] };
          expect(errors.map((error) => error.path)).to.include(path);
        }
        expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
      });
    }

    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'application/xml',
    ]) {
      it(`IN-09 refuses a body as ${type}`, async () => {
        expectProblem(await login(json(good), { 'content-type': type }), [400, 415]);
      });
    }

    it('tells an unknown route from a method that is not there', async () => {
      const accept = { accept: 'application/json' };
      expectProblem(await ask(`${stand.issuer}/api/v1/nothing`, { headers: accept }), [404]);
      const answer = await ask(`${stand.issuer}/api/v1/auth/login`, { method: 'DELETE', headers: accept });
      expectProblem(answer, [405]);
      expect(answer.headers.get('allow')).to.include('POST');
    });

    it('IN-01 takes a sort or a filter it does not know for a mistake', async () => {
      const { json: tokens } = await ask(`${stand.issuer}/api/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: json({ email: stand.person.login, password: stand.person.password }),
      }).then(({ body }) => ({ json: body }));
      const authorization = `Bearer ${tokens.accessToken}`;
      for (const query of [
        'sort=id;drop',
        'sort=(select 1)',
        'filter[password]=x',
        'limit=abc',
        'limit=1&limit=2',
        '%00=1',
        'cursor=%FF',
      ]) {
        const answer = await ask(`${stand.issuer}/api/v1/sessions?${query}`, {
          headers: { authorization, accept: 'application/json' },
        });
        expectProblem(answer, [400, 403, 404]);
      }
    });

    it('IN-09 goes on serving on the same connection afterwards', async () => {
      expect((await ask(`${stand.issuer}/health/live`)).status).to.equal(200);
    });
  });

  describe('protocol endpoints', () => {
    const cases: [string, string, RequestInit, number[], RegExp][] = [
      [
        'an unknown grant',
        '/token',
        { body: new URLSearchParams({ grant_type: 'password' }) },
        [400],
        /^unsupported_grant_type$/,
      ],
      ['no grant', '/token', { body: new URLSearchParams() }, [400], /^invalid_request$/],
      ['JSON', '/token', { body: '{}', headers: { 'content-type': 'application/json' } }, [400], /^invalid_request$/],
      [
        'a doubled parameter',
        '/token',
        { body: new URLSearchParams('grant_type=refresh_token&refresh_token=a&refresh_token=b') },
        [400],
        /^invalid_request$/,
      ],
      [
        'a code with NUL',
        '/token',
        {
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            code: 'a\u0000',
            redirect_uri: callback,
            code_verifier: 'v',
          }),
        },
        [400],
        /^invalid_(grant|request)$/,
      ],
      [
        'bytes that are no UTF-8',
        '/token',
        {
          body: 'grant_type=refresh_token&refresh_token=%FF%FE',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        },
        [400],
        /^invalid_(grant|request)$/,
      ],
      [
        'a body beyond the limit',
        '/token',
        { body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x'.repeat(200_000) }) },
        [400, 413],
        /^invalid_(grant|request)$/,
      ],
      [
        'a token with NUL',
        '/introspect',
        { body: new URLSearchParams({ token: '\u0000' }) },
        [200, 400],
        /^(undefined|invalid_request)$/,
      ],
      [
        'a pushed request without PKCE',
        '/par',
        { body: new URLSearchParams({ response_type: 'code', redirect_uri: callback, scope: 'openid' }) },
        [400],
        /^invalid_request$/,
      ],
    ];
    for (const [what, path, init, statuses, error] of cases) {
      it(`answers ${what} at ${path} as OAuth does`, async () => {
        const authorization = `Basic ${Buffer.from(`${web.id}:${web.secret}`).toString('base64')}`;
        const headers = { authorization, ...(init.headers as Record<string, string>) };
        const answer = await ask(`${stand.issuer}${path}`, { method: 'POST', ...init, headers });
        expect(statuses, JSON.stringify(answer.body)).to.include(answer.status);
        expect(answer.headers.get('content-type')).to.match(/^application\/json/);
        expect(String(answer.body.error)).to.match(error);
      });
    }

    it('RFC 9110 §15.5.6 names the methods that an endpoint has', async () => {
      const machines = { '/token': 'POST', '/introspect': 'POST', '/revoke': 'POST', '/par': 'POST', '/device/code': 'POST' };
      const people = {
        '/jwks': 'GET, HEAD',
        '/userinfo': 'GET, HEAD, POST',
        '/authorize': 'GET, HEAD, POST',
        '/logout': 'GET, HEAD, POST',
      };
      for (const [path, allow] of Object.entries({ ...machines, ...people })) {
        for (const method of ['PUT', 'DELETE', ...(allow === 'POST' ? ['GET'] : [])]) {
          const answer = await ask(`${stand.issuer}${path}`, { method });
          expect(answer.status, `${method} ${path}`).to.equal(405);
          expect(answer.headers.get('allow')).to.equal(allow);
        }
        const options = await fetch(`${stand.issuer}${path}`, { method: 'OPTIONS' });
        expect([options.status, options.headers.get('allow')], path).to.deep.equal([204, allow]);
      }
    });

    it('RFC 6749 §5.2 IN-02 tells an unknown client, one with NUL and a wrong secret alike', async () => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'a\u0000', client_secret: 'wrong' });
      const nul = await ask(`${stand.issuer}/token`, { method: 'POST', body });
      const post = (id: string, secret: string) =>
        createFlows(stand.issuer, { id, secret }, stand.person).post('/token', { grant_type: 'client_credentials' });
      const [unknown, wrong] = [await post('nobody', 'wrong'), await post(web.id, 'wrong')];
      expect([unknown.status, nul.status, wrong.status]).to.deep.equal([401, 401, 401]);
      expect(nul.body).to.deep.equal(wrong.body);
      expect(unknown.body).to.deep.equal(wrong.body);
      expect(unknown.headers.get('www-authenticate')).to.match(/^Basic/);
    });
  });

  describe('pages', () => {
    /** A page of ours, which says what happened and leads nowhere else. */
    const expectPage = (page: { status: number; headers: Headers; body: string }, statuses: number[]): void => {
      expect(statuses, page.body.slice(0, 2000)).to.include(page.status);
      expect(page.headers.get('location')).to.equal(null);
      expect(page.headers.get('content-type')).to.match(/^text\/html/);
      expect(page.headers.get('content-security-policy')).to.include("frame-ancestors 'none'");
      expect(page.body).to.match(/<h1>[^<]{8,}<\/h1>/);
      expect(page.body).not.to.match(/\bat .*\.(ts|js):|node_modules/);
    };
    const open = (url: string) => createAgent(stand.issuer).request(url);

    const foreign = [
      'https://evil.example/',
      'https://app.example.test/callback/',
      'javascript:alert(1)',
      'https://app.example.test/callback?x=1',
    ];
    for (const address of foreign) {
      it(`RU-01 never redirects to ${address}`, async () => {
        const page = await open(flows.request({ redirect_uri: address }).url);
        expectPage(page, [400]);
        expect(page.body).not.to.include('href="javascript');
      });
    }

    it('RU-04 never redirects for an unknown client, and shows what it was given as text', async () => {
      const page = await open(flows.request({ client_id: '"><svg onload=alert(1)>' }).url);
      expectPage(page, [400]);
      expect(page.body).not.to.include('<svg onload');
    });

    it('RU-04 never redirects while nobody knows for whom', async () => {
      expectPage(await open(`${flows.request().url}&client_id=x`), [400]);
    });

    it('IN-02 tells NUL and broken UTF-8 in an address', async () => {
      const { url } = flows.request();
      for (const more of ['%00', '%FF', '%C0%80']) {
        const page = await open(`${url}&login_hint=${more}`);
        expect(page.status, page.body.slice(0, 500)).to.be.lessThan(500);
        const step = page.headers.get('location');
        if (step !== null) expect((await open(new URL(step, page.url).href)).status).to.be.lessThan(500);
      }
      for (const path of ['/%00', '/interaction/%00', '/authorize?client_id=%00', '/logout?client_id=a%00b']) {
        expect((await open(`${stand.issuer}${path}`)).status, path).to.be.within(400, 499);
      }
      expect((await open(`${stand.issuer}/interaction/%FF`)).status).to.be.within(400, 499);
    });

    it('tells a sign-in that has expired', async () => {
      const agent = createAgent(stand.issuer);
      const page = await agent.open(flows.request().url);
      clock.advance(3700);
      expectPage(await agent.open(page.url), [400, 404, 410]);
      expectPage(await agent.submit(page, stand.person), [400, 403, 404, 410]);
    });

    it('SE-02 tells a browser that did not begin the sign-in', async () => {
      const page = await createAgent(stand.issuer).open(flows.request().url);
      expectPage(await open(page.url), [400, 403, 404]);
    });

    it('tells an unknown address, also of a sign-in', async () => {
      expectPage(await open(`${stand.issuer}/no/such/page`), [404]);
      expectPage(await open(`${stand.issuer}/interaction/nothing`), [400, 404]);
    });

    it('SE-04 CO-07 tells who answers for a device without a session, and gives no other one', async () => {
      const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' } };
      const posted = await ask(`${stand.issuer}/device`, { ...form, body: 'user_code=BCDF-GHJK&xsrf=x' });
      const resumed = await ask(`${stand.issuer}/device/nothing`, { headers: { accept: 'text/html' } });
      expect([posted.status, resumed.status]).to.deep.equal([403, 400]);
      for (const { headers } of [posted, resumed]) expect(headers.get('set-cookie') ?? '').not.to.include('session');
    });

    it('SE-04 refuses forms from elsewhere and without their token, and changes nothing', async () => {
      const agent = createAgent(stand.issuer);
      const page = await agent.open(flows.request().url);
      const { action, fields } = readForm(page);
      const post = (more: Record<string, string>, headers: Record<string, string>) =>
        agent.request(action, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams({ ...fields, ...stand.person, ...more }).toString(),
        });
      const own = { origin: stand.issuer };
      expectPage(await post({}, { origin: 'https://evil.example' }), [403]);
      expectPage(await post({}, { origin: 'null' }), [403]);
      expectPage(await post({}, { ...own, 'sec-fetch-site': 'cross-site' }), [403]);
      expectPage(await post({ _csrf: 'wrong' }, own), [403]);
      const other = await createAgent(stand.issuer).open(flows.request().url);
      expectPage(await post({ _csrf: readForm(other).fields._csrf ?? '' }, own), [403]);
      expect(readForm(await agent.open(page.url)).fields).to.have.property('password');
    });

    it('IN-03 refuses a doubled field of a form', async () => {
      const agent = createAgent(stand.issuer);
      const page = await agent.open(flows.request().url);
      const { action, fields } = readForm(page);
      const body = `${new URLSearchParams({ ...fields, ...stand.person })}&login=other`;
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: stand.issuer };
      expectPage(await agent.request(action, { method: 'POST', headers, body }), [400]);
      const fat = `${new URLSearchParams({ ...fields, login: 'x'.repeat(300_000) })}`;
      expectPage(await agent.request(action, { method: 'POST', headers, body: fat }), [413]);
      const wide = `${new URLSearchParams(fields)}${'&x=1'.repeat(10_000)}`;
      expectPage(await agent.request(action, { method: 'POST', headers, body: wide }), [400, 413]);
    });
  });

  describe('hosts and headers', () => {
    for (const host of ['evil.example', 'localhost', 'evil.example@localhost', 'localhost:1']) {
      it(`RS-01 refuses the Host ${host}`, async () => {
        for (const path of ['/.well-known/openid-configuration', '/authorize', '/']) {
          const answer = await raw(stand.issuer, { path, headers: { host } });
          expect([400, 421]).to.include(answer.status);
          expect(answer.text).not.to.include('evil.example');
        }
      });
    }

    it('RS-01 OP-09 takes no address from headers of strangers', async () => {
      const headers = {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.example;proto=https',
        'x-host': 'evil.example',
        'x-forwarded-for': '203.0.113.9',
      };
      const answer = await raw(stand.issuer, { path: '/.well-known/openid-configuration', headers });
      expect(answer.status).to.equal(200);
      expect(answer.text).not.to.include('evil.example');
      expect((JSON.parse(answer.text) as { issuer: string }).issuer).to.equal(stand.issuer);
    });

    it('IN-08 answers headers of any length and shape at once', async () => {
      const long = 'a'.repeat(7_000);
      const nasty: Record<string, string>[] = [
        { 'accept-language': `${'en;q=0.1,'.repeat(800)}x` },
        { 'user-agent': `Mozilla/5.0 (${'('.repeat(6_000)}` },
        { cookie: `${'a=b; '.repeat(1_400)}` },
        { authorization: `Bearer ${long}` },
        { authorization: `Basic ${'%'.repeat(6_000)}` },
        { 'x-forwarded-for': '1.1.1.1,'.repeat(800) },
        { 'x-correlation-id': long },
        { traceparent: long },
      ];
      for (const headers of nasty) {
        for (const path of ['/', '/userinfo', '/api/v1/auth/me']) {
          expect((await raw(stand.issuer, { path, headers })).status, JSON.stringify(headers).slice(0, 60)).to.be.lessThan(500);
        }
      }
      expect((await raw(stand.issuer, { path: '/', headers: { 'x-a': 'a'.repeat(60_000) } })).status).to.equal(431);
    });

    it('UP-06 refuses compressed bodies, whatever they would expand to', async () => {
      const zeros = Buffer.alloc(10_000_000);
      const packed = {
        gzip: gzipSync(zeros),
        'gzip, gzip': gzipSync(gzipSync(zeros)),
        br: brotli(zeros),
        deflate: deflateSync(zeros),
      };
      const places = { '/api/v1/auth/login': 'application/json', '/token': 'application/x-www-form-urlencoded' };
      for (const [encoding, body] of Object.entries(packed)) {
        for (const [path, type] of Object.entries(places)) {
          const headers = { 'content-type': type, 'content-encoding': encoding };
          const { status } = await raw(stand.issuer, { path, method: 'POST', headers, body });
          expect([413, 415], `${path} ${encoding}`).to.include(status);
        }
      }
    });

    it('refuses methods nobody knows', async () => {
      for (const method of ['TRACE', 'PROPFIND']) {
        const { status } = await raw(stand.issuer, { path: '/authorize', method });
        expect([400, 404, 405, 501], method).to.include(status);
      }
    });
  });
});
