import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { loadExpectations, surprises } from '../../conformance/expected.ts';
import type { Outcome } from '../../conformance/own/outcome.ts';
import { createSuiteApi, SuiteError } from '../../conformance/suite/api.ts';
import { drivePlan, fill } from '../../conformance/suite/drive.ts';

/** Speaks the suite's API for one plan: what each module ends with is told beforehand. */
const startStandIn = async (results: Record<string, { result: string; status?: string; log?: object[] }>) => {
  const calls: { method: string; url: URL; body: string; authorization: string | undefined }[] = [];
  const modules = Object.keys(results);
  let conflicts = 1;
  const answer = (method: string, url: URL): [number, unknown] => {
    const id = url.pathname.split('/').at(-1) ?? '';
    const of = (module: string) => results[module] ?? { result: 'UNKNOWN' };
    if (method === 'GET' && url.pathname === '/api/plan') return [200, { data: [] }];
    if (method === 'POST' && url.pathname === '/api/plan') {
      if (url.searchParams.get('planName') === 'no-plan') return [404, { error: 'unknown plan' }];
      return [201, { id: 'P', modules: modules.map((testModule) => ({ testModule, variant: { response_type: 'code' } })) }];
    }
    if (method === 'POST' && url.pathname === '/api/runner') {
      conflicts -= 1;
      return conflicts >= 0 ? [409, { error: 'alias in use' }] : [201, { id: url.searchParams.get('test') }];
    }
    if (url.pathname.endsWith('/wait-state')) {
      const module = url.pathname.split('/').at(-2) ?? '';
      const wanted = url.searchParams.get('states')?.split(',') ?? [];
      const state = of(module).status ?? 'FINISHED';
      if (wanted.includes('CONFIGURED')) return [200, { state: 'CONFIGURED' }];
      return [200, wanted.includes(state) ? { state } : { timeout: true }];
    }
    if (url.pathname.startsWith('/api/info/')) return [200, { status: of(id).status ?? 'FINISHED', result: of(id).result }];
    if (url.pathname.startsWith('/api/log/')) return [200, of(id).log ?? []];
    return [200, {}];
  };
  const server: Server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    calls.push({ method: request.method ?? '', url, body: await text(request), authorization: request.headers.authorization });
    const [status, body] = answer(request.method ?? '', url);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, calls, close: () => new Promise((resolve) => server.close(resolve)) };
};

const options = (address: string, rotateKeys = async () => {}) => ({
  api: createSuiteApi(address, 'secret-token'),
  rotateKeys,
  patience: 2,
  retryMs: 1,
  progress: () => {},
});
const file = {
  plan: 'oidcc-basic-certification-test-plan',
  variants: [{ server_metadata: 'discovery', client_auth_type: 'private_key_jwt' }],
  configuration: { server: { discoveryUrl: '{ISSUER}/x' }, client: { jwks: '{JWKS:x-{AUTH}-1}' } },
};
const values = { ISSUER: 'https://op.example.test', 'JWKS:x-private-key-jwt-1': { keys: [] } };

describe('P11 driving the official suite', () => {
  it('creates the plan with its variant and filled-in configuration, and authenticates', async () => {
    const suite = await startStandIn({ 'oidcc-server': { result: 'PASSED' } });
    await drivePlan(options(suite.address), file, values);
    const created = suite.calls.find(({ url, method }) => method === 'POST' && url.pathname === '/api/plan');
    expect(created?.url.searchParams.get('variant')).to.equal(JSON.stringify(file.variants[0]));
    expect(JSON.parse(created?.body ?? '')).to.deep.equal({
      server: { discoveryUrl: 'https://op.example.test/x' },
      client: { jwks: { keys: [] } },
    });
    expect(created?.authorization).to.equal('Bearer secret-token');
    await suite.close();
  });

  it('tries again while the alias is in use, and reports each result with its conditions', async () => {
    const suite = await startStandIn({
      'oidcc-server': { result: 'PASSED' },
      'oidcc-scope-email': {
        result: 'WARNING',
        log: [{ src: 'CheckEmail', msg: 'no e-mail', result: 'WARNING' }, { result: 'SUCCESS' }],
      },
      'oidcc-idtoken-unsigned': { result: 'SKIPPED' },
      'oidcc-codereuse': { result: 'FAILED', log: [{ src: 'CheckReuse', msg: 'code was accepted', result: 'FAILURE' }] },
    });
    const outcomes = await drivePlan(options(suite.address), file, values);
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['PASSED', 'WARNING', 'SKIPPED', 'FAILED']);
    expect(outcomes[1]?.notes).to.deep.equal(['CheckEmail: no e-mail']);
    expect(outcomes[3]?.notes).to.deep.equal(['CheckReuse: code was accepted']);
    expect(outcomes[0]?.variant).to.include({ server_metadata: 'discovery', response_type: 'code' });
    await suite.close();
  });

  it('rotates the keys while oidcc-server-rotate-keys waits, and only then starts it', async () => {
    const suite = await startStandIn({ 'oidcc-server-rotate-keys': { result: 'PASSED' } });
    const seen: number[] = [];
    await drivePlan(
      options(suite.address, async () => void seen.push(suite.calls.length)),
      file,
      values,
    );
    const started = suite.calls.findIndex(({ method, url }) => method === 'POST' && url.pathname.startsWith('/api/runner/'));
    expect(seen).to.deep.equal([started]);
    await suite.close();
  });

  it('cancels a module that does not end, and calls an interrupted one failed', async () => {
    const suite = await startStandIn({
      'oidcc-server': { result: 'UNKNOWN', status: 'WAITING' },
      'oidcc-codereuse': { result: 'PASSED', status: 'INTERRUPTED' },
    });
    const outcomes = await drivePlan(options(suite.address), file, values);
    expect(outcomes.map(({ result }) => result)).to.deep.equal(['FAILED', 'FAILED']);
    expect(suite.calls.filter(({ method }) => method === 'DELETE')).to.have.length(1);
    await suite.close();
  });

  it('stops at a plan the suite does not have', async () => {
    const suite = await startStandIn({});
    const error = await drivePlan(options(suite.address), { ...file, plan: 'no-plan' }, values).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(SuiteError);
    expect((error as SuiteError).status).to.equal(404);
    await suite.close();
  });

  it('fills placeholders inside strings and as whole values, and leaves the suite’s own alone', () => {
    expect(fill({ a: ['{ISSUER}/b', '{BASEURL}/c'], d: '{JWKS:x-private-key-jwt-1}', e: 1 }, values)).to.deep.equal({
      a: ['https://op.example.test/b', '{BASEURL}/c'],
      d: { keys: [] },
      e: 1,
    });
  });
});

describe('P11 the list of expected outcomes', () => {
  const outcome = (module: string, result: Outcome['result']): Outcome => ({
    plan: 'p',
    module,
    variant: { a: 'b' },
    result,
    notes: [],
  });

  it('is silent when everything happens as listed', () => {
    const list = [{ module: 'two*', variant: { a: 'b' }, result: 'SKIPPED' as const, why: 'w' }];
    expect(surprises([outcome('one', 'PASSED'), outcome('two-x', 'SKIPPED')], list)).to.deep.equal([]);
  });

  it('names an outcome that is not listed, better or worse', () => {
    const list = [{ module: 'two', result: 'WARNING' as const, why: 'w' }];
    expect(surprises([outcome('one', 'WARNING'), outcome('two', 'PASSED')], list)).to.have.length(2);
  });

  it('a fault of the suite is expected there and nowhere else', () => {
    const [plan, module] = ['authzen-pdp-evaluation-test-plan', 'authzen-pdp-evaluation-invalid-credentials-returns-401'];
    expect(surprises([outcome(module, 'FAILED')], loadExpectations(plan, 'suite'))).to.deep.equal([]);
    expect(surprises([outcome(module, 'FAILED')], loadExpectations(plan, 'own'))).to.have.length(1);
    expect(surprises([outcome(module, 'PASSED')], loadExpectations(plan, 'suite')), 'once it is mended').to.have.length(1);
  });

  it('names an entry that did not happen', () => {
    expect(surprises([outcome('one', 'PASSED')], [{ module: 'three', result: 'SKIPPED', why: 'w' }])).to.have.length(1);
  });
});
