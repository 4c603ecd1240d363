import { X509Certificate } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Certificate, createCertificate } from '../../conformance/own/certificate.ts';
import {
  type Answer,
  assertion,
  assertionFields,
  callback,
  createRelyingParty,
  dpopProof,
  makeKey,
  nowSeconds,
  type ProofOptions,
  pkce,
  type SigningKey,
  send,
} from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const own = createCertificate('own client');
const other = createCertificate('own client');
const headerOf = ({ cert }: Certificate): string => `:${new X509Certificate(cert).raw.toString('base64')}:`;

describe('P2 TK-08 our own API takes tokens that are bound to a key (PROFILE=fapi2)', () => {
  let stand: Stand;
  let key: SigningKey;
  let stranger: SigningKey;
  let token: string;
  const address = (path: string): string => `${stand.issuer}${path}`;
  const me = '/api/v1/auth/me';

  before(async () => {
    [key, stranger] = [await makeKey('ES256'), await makeKey('ES256', 'stranger')];
    const keyed = { jwks: { keys: [{ ...key.publicJwk }] }, token_endpoint_auth_signing_alg: 'ES256' };
    const machine = { ...keyed, grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'api authz' };
    stand = await startStand({
      env: { PROFILE: 'fapi2', TLS_CLIENT_CERT: 'header', TRUST_PROXY: '127.0.0.1' },
      bootstrap: {
        clients: [
          { ...keyed, client_id: 'bank', redirect_uris: [callback], grant_types: ['authorization_code'] },
          { ...machine, client_id: 'machine' },
          { ...machine, client_id: 'certified', tls_client_certificate_bound_access_tokens: true },
        ],
      },
    });
    const party = createRelyingParty(stand, 'bank');
    const identified = async () => assertionFields(await assertion(key, 'bank', stand.issuer));
    const request = { client_id: 'bank', redirect_uri: callback, response_type: 'code', scope: 'openid api', ...pkce };
    const { json: pushed } = await party.post('/par', { ...request, resource: stand.issuer, ...(await identified()) }, {});
    const url = address(`/authorize?client_id=bank&request_uri=${encodeURIComponent(pushed.request_uri)}`);
    const code = String((await party.visit(url)).searchParams.get('code'));
    const proof = await dpopProof(key, 'POST', address('/token'));
    const { json } = await party.redeem(code, { resource: stand.issuer, ...(await identified()) }, { DPoP: proof });
    expect(json).to.include({ token_type: 'DPoP', scope: 'api' });
    token = json.access_token;
  });
  after(() => stand.close());

  const proofFor = (path: string, { by = key, method = 'GET', ...options }: Proofs = {}): Promise<string> =>
    dpopProof(by, method, address(path), { accessToken: token, ...options });
  const ask = (proof: string | undefined, scheme = 'DPoP', path = me): Promise<Answer> =>
    send(address(path), { headers: { authorization: `${scheme} ${token}`, ...(proof === undefined ? {} : { DPoP: proof }) } });
  interface Proofs extends ProofOptions {
    by?: SigningKey;
    method?: string;
  }
  const challengeOf = ({ headers }: Answer): string => headers.get('www-authenticate') ?? '';
  const refusal = (answer: Answer): unknown[] => [answer.status, /^(\w+) error="(\w+)"/.exec(challengeOf(answer))?.slice(1)];

  it('RFC 9449 §7.1 lets the person’s application in with a proof for each request', async () => {
    for (const [path, method] of [
      [me, 'GET'],
      ['/api/v1/sessions', 'GET'],
      ['/api/v1/authz/check', 'POST'],
    ] as const) {
      const headers = { authorization: `DPoP ${token}`, DPoP: await proofFor(path, { method }) };
      const body = JSON.stringify({ action: 'read', resource: { type: 'user' } });
      const init = method === 'GET' ? { headers } : { method, headers: { ...headers, 'content-type': 'application/json' }, body };
      const { status, headers: answered } = await send(address(path), init);
      expect(status, path).to.equal(200);
      expect(answered.get('dpop-nonce'), path).to.match(/^[\w-]{43}$/);
    }
    const query = await ask(await proofFor(`${me}?x=1#y`), 'DPoP', me);
    expect(query.status, '§4.3 (9): query and fragment do not count').to.equal(200);
    expect((await ask(await proofFor(me), 'dPoP')).status, 'RFC 9110 §11.1: schemes have no case').to.equal(200);
  });

  it('RFC 9449 §7.2 never takes it as a bearer token, with a proof or without', async () => {
    for (const proof of [undefined, await proofFor(me)]) {
      const answer = await ask(proof, 'Bearer');
      expect(refusal(answer)).to.deep.equal([401, ['Bearer', 'invalid_token']]);
      expect(challengeOf(answer)).to.match(/, DPoP algs="ES256 PS256 EdDSA"/);
    }
  });

  it('RFC 9449 §7.1 names schemes and algorithms to who brings nothing, and in the metadata (RFC 9728 §2)', async () => {
    const answer = await send(address(me));
    expect([answer.status, challengeOf(answer)]).to.deep.equal([
      401,
      `Bearer resource_metadata="${stand.issuer}/.well-known/oauth-protected-resource", DPoP algs="ES256 PS256 EdDSA"`,
    ]);
    const { json } = await send(address('/.well-known/oauth-protected-resource'));
    expect(json).to.deep.include({
      dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA'],
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  for (const [what, make] of Object.entries<() => Promise<string | undefined>>({
    'no proof': async () => undefined,
    'another method': () => proofFor(me, { method: 'POST' }),
    'another address': () => proofFor('/api/v1/sessions'),
    'another host': () => dpopProof(key, 'GET', `https://evil.example${me}`, { accessToken: token }),
    'another token': () => proofFor(me, { accessToken: 'another' }),
    'no token at all': async () => dpopProof(key, 'GET', address(me)),
    'an old proof': () => proofFor(me, { claims: { iat: nowSeconds() - 600 } }),
    'a proof from ahead': () => proofFor(me, { claims: { iat: nowSeconds() + 60 } }),
    'no time': () => proofFor(me, { claims: { iat: undefined } }),
    'no jti': () => proofFor(me, { claims: { jti: undefined } }),
    'another type': () => proofFor(me, { header: { typ: 'JWT' } }),
    'two proofs': async () => `${await proofFor(me)}, ${await proofFor(me)}`,
    'a proof that is none': async () => 'proof',
    'a shared secret': () =>
      new SignJWT({ htm: 'GET', htu: address(me), jti: 'x', iat: nowSeconds() })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } as never })
        .sign(new Uint8Array(32)),
    'the private key in it': async () => {
      const pair = await generateKeyPair('ES256', { extractable: true });
      const claims = { htm: 'GET', htu: address(me), jti: 'y', iat: nowSeconds() };
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(pair.privateKey) };
      return new SignJWT(claims).setProtectedHeader(header).sign(pair.privateKey);
    },
  })) {
    it(`RFC 9449 §4.3 refuses ${what}`, async () => {
      const answer = await ask(await make());
      expect(refusal(answer)).to.deep.equal([401, ['DPoP', 'invalid_dpop_proof']]);
      expect(challengeOf(answer)).to.include('algs="ES256 PS256 EdDSA"').and.include('resource_metadata=');
      expect(answer.json.type).to.equal('urn:castellan:error:invalid_dpop_proof');
    });
  }

  it('RFC 9449 §7.1 refuses the proof of another key', async () => {
    expect(refusal(await ask(await proofFor(me, { by: stranger })))).to.deep.equal([401, ['DPoP', 'invalid_token']]);
  });

  it('RFC 9449 §11.1 takes a proof once, also of ten at one moment, and what was refused has not used it up', async () => {
    const proof = await proofFor(me);
    expect((await ask(proof, 'Bearer')).status).to.equal(401);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(proof)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(refusal(await ask(proof))).to.deep.equal([401, ['DPoP', 'invalid_dpop_proof']]);
  });

  it('RFC 9449 §9 holds to a nonce who sends one, and takes the provider’s, as it takes ours', async () => {
    const wrong = await ask(await proofFor(me, { nonce: 'not-one-of-ours' }));
    expect(refusal(wrong)).to.deep.equal([401, ['DPoP', 'use_dpop_nonce']]);
    const ours = String(wrong.headers.get('dpop-nonce'));
    expect((await ask(await proofFor(me, { nonce: ours }))).status).to.equal(200);
    const machine = async (nonce: string) => {
      const headers = { DPoP: await dpopProof(key, 'POST', address('/token'), { nonce }) };
      const fields = {
        grant_type: 'client_credentials',
        scope: 'authz',
        ...assertionFields(await assertion(key, 'machine', stand.issuer)),
      };
      return send(address('/token'), { method: 'POST', headers, body: new URLSearchParams(fields) });
    };
    expect((await machine(ours)).status, 'ours at the provider').to.equal(200);
    const theirs = String((await machine('wrong')).headers.get('dpop-nonce'));
    expect((await ask(await proofFor(me, { nonce: theirs }))).status, 'the provider’s here').to.equal(200);
  });

  it('RFC 9449 §7 a machine asks for decisions (/access/v1) with its key, and not without', async () => {
    const fields = {
      grant_type: 'client_credentials',
      scope: 'authz',
      ...assertionFields(await assertion(key, 'machine', stand.issuer)),
    };
    const headers = { DPoP: await dpopProof(key, 'POST', address('/token')) };
    const { json } = await send(address('/token'), { method: 'POST', headers, body: new URLSearchParams(fields) });
    const path = '/access/v1/evaluation';
    const evaluate = async (proof: string | undefined, scheme: string): Promise<Answer> =>
      send(address(path), {
        method: 'POST',
        headers: {
          authorization: `${scheme} ${json.access_token}`,
          'content-type': 'application/json',
          ...(proof === undefined ? {} : { DPoP: proof }),
        },
        body: JSON.stringify({
          subject: { type: 'user', id: 'x' },
          action: { name: 'read' },
          resource: { type: 'order', id: '1' },
        }),
      });
    const proof = await dpopProof(key, 'POST', address(path), { accessToken: json.access_token });
    expect((await evaluate(proof, 'DPoP')).json).to.deep.include({ decision: false });
    expect((await evaluate(undefined, 'Bearer')).status).to.equal(401);
    expect((await evaluate(proof, 'DPoP')).status, 'again').to.equal(401);
  });

  describe('RFC 8705 §3 by certificate, through a proxy', () => {
    let bound: string;
    const ask8705 = (certificate: string | undefined, scheme = 'Bearer', from = '127.0.0.1') => {
      const { hostname, port } = new URL(stand.issuer);
      const headers = {
        host: `${hostname}:${port}`,
        authorization: `${scheme} ${bound}`,
        'content-type': 'application/json',
        ...(certificate === undefined ? {} : { 'client-cert': certificate }),
      };
      return new Promise<{ status: number; body: string }>((resolve, reject) => {
        const options = { method: 'POST', host: '127.0.0.1', port, path: '/access/v1/evaluation', localAddress: from, headers };
        const outgoing = plainRequest(options, (answer) => {
          text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
        });
        outgoing.on('error', reject);
        const body = { subject: { type: 'user', id: 'x' }, action: { name: 'read' }, resource: { type: 'order', id: '1' } };
        outgoing.end(JSON.stringify(body));
      });
    };
    before(async () => {
      const fields = {
        grant_type: 'client_credentials',
        scope: 'authz',
        ...assertionFields(await assertion(key, 'certified', stand.issuer)),
      };
      const headers = { 'client-cert': headerOf(own) };
      const { json } = await send(address('/token'), { method: 'POST', headers, body: new URLSearchParams(fields) });
      expect(json.token_type).to.equal('Bearer');
      bound = json.access_token;
    });

    it('is let in with it', async () => {
      const { status, body } = await ask8705(headerOf(own));
      expect([status, JSON.parse(body).decision]).to.deep.equal([200, false]);
    });

    it('is refused without it, with another of the same name, from a peer that is no proxy, and as DPoP', async () => {
      for (const given of [
        [undefined],
        [headerOf(other)],
        ['not a certificate'],
        [headerOf(own), 'Bearer', '127.0.0.2'],
        [headerOf(own), 'DPoP'],
      ] as [string | undefined, string?, string?][]) {
        expect((await ask8705(...given)).status, given.slice(1).join(' ')).to.equal(401);
      }
    });
  });
});
