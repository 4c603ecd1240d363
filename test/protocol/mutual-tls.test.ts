import { createHash, X509Certificate } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { expect } from 'chai';
import { type Certificate, createCertificate } from '../../conformance/own/certificate.ts';
import { type Call, send } from '../../conformance/own/http.ts';
import { basic, callback, createRelyingParty, secret, verifier } from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const formType = { 'content-type': 'application/x-www-form-urlencoded' };
const own = createCertificate('own client');
const other = createCertificate('own client');
const known = createCertificate('known client');
const unknown = createCertificate('known client');

const derOf = ({ cert }: Certificate): Buffer => new X509Certificate(cert).raw;
const thumbprintOf = (certificate: Certificate): string => createHash('sha256').update(derOf(certificate)).digest('base64url');
const jwkOf = ({ cert }: Certificate): object => {
  const { publicKey, raw } = new X509Certificate(cert);
  return { ...publicKey.export({ format: 'jwk' }), kid: 'certificate', use: 'sig', x5c: [raw.toString('base64')] };
};

const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const clients = [
  {
    ...machine,
    client_id: 'self-signed',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    tls_client_certificate_bound_access_tokens: true,
    jwks: { keys: [jwkOf(own)] },
  },
  {
    ...machine,
    client_id: 'decider',
    scope: 'authz',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    tls_client_certificate_bound_access_tokens: true,
    jwks: { keys: [jwkOf(own)] },
  },
  {
    ...machine,
    client_id: 'by-subject',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=known client',
  },
  { ...machine, client_id: 'by-name', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'localhost' },
  {
    ...machine,
    client_id: 'by-another-name',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_dns: 'other.example.test',
  },
  {
    client_id: 'bound',
    client_secret: secret,
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    tls_client_certificate_bound_access_tokens: true,
  },
  { ...machine, client_id: 'observer', client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' },
];

describe('P2 RFC 8705 mutual TLS', () => {
  describe('with TLS of our own (TLS_CLIENT_CERT=request)', () => {
    let stand: Stand;
    before(async () => {
      const server = createCertificate('mutual TLS stand');
      // What a CA vouches for: to OpenSSL a trusted certificate is its own CA.
      tls.setDefaultCACertificates([...tls.getCACertificates('default'), server.cert, known.cert]);
      stand = await startStand({ env: { TLS_CLIENT_CERT: 'request' }, tls: server, bootstrap: { clients } });
    });
    after(() => stand.close());

    const post = (path: string, fields: Record<string, string>, certificate?: Certificate, headers = {}) => {
      const call: Call = { method: 'POST', headers: { ...formType, ...headers }, body: `${new URLSearchParams(fields)}` };
      return send(`${stand.issuer}${path}`, { ...call, tls: certificate });
    };
    const token = (clientId: string, certificate?: Certificate) =>
      post('/token', { grant_type: 'client_credentials', client_id: clientId }, certificate);

    it('RFC 8705 §2.2, §3 a client is known by its own certificate, and its token is bound to that', async () => {
      const { status, json } = await token('self-signed', own);
      expect(status).to.equal(200);
      const { json: introspected } = await post('/introspect', { token: String(json.access_token) }, undefined, {
        authorization: basic('observer'),
      });
      expect(introspected).to.deep.include({ active: true, cnf: { 'x5t#S256': thumbprintOf(own) } });
    });

    for (const [what, certificate] of Object.entries<Certificate | undefined>({
      'no certificate': undefined,
      'another certificate of the same name': other,
      'a certificate that a CA vouches for': known,
    })) {
      it(`RFC 8705 §2.2 refuses ${what}`, async () => {
        const { status, json } = await token('self-signed', certificate);
        expect([status, json.error]).to.deep.equal([401, 'invalid_client']);
      });
    }

    it('RFC 8705 §2.1 a client is known by the name in a certificate that a CA vouches for', async () => {
      expect((await token('by-subject', known)).status).to.equal(200);
      expect((await token('by-name', known)).status).to.equal(200);
    });

    for (const [what, clientId, certificate] of [
      ['the name alone, vouched for by nobody', 'by-subject', unknown],
      ['another subject', 'by-subject', own],
      ['another alternative name', 'by-another-name', known],
      ['no certificate', 'by-subject', undefined],
    ] as const) {
      it(`RFC 8705 §2.1 refuses ${what}`, async () => {
        const { status, json } = await token(clientId, certificate);
        expect([status, json.error]).to.deep.equal([401, 'invalid_client']);
      });
    }

    it('RFC 8705 §3, §4 TK-08 a person’s tokens work with their certificate only, refresh tokens too', async () => {
      const party = createRelyingParty(stand, 'bound');
      const code = await party.code({ scope: 'openid offline_access', prompt: 'consent' });
      const fields = { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier };
      const headers = { authorization: basic('bound') };
      expect((await post('/token', fields, undefined, headers)).json.error, 'no certificate').to.equal('invalid_grant');
      const { json: tokens } = await post('/token', fields, own, headers);
      const userinfo = (certificate?: Certificate) =>
        send(`${stand.issuer}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` }, tls: certificate });
      expect((await userinfo(own)).status).to.equal(200);
      expect((await userinfo()).status, 'no certificate').to.equal(401);
      expect((await userinfo(other)).status, 'another certificate').to.equal(401);
      const refresh = (certificate?: Certificate) =>
        post('/token', { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }, certificate, headers);
      expect((await refresh()).json.error, 'no certificate').to.equal('invalid_grant');
      expect((await refresh(own)).status).to.equal(200);
    });

    it('RFC 8705 §3 TK-08 our own API takes the token from who has the certificate', async () => {
      const { json } = await post('/token', { grant_type: 'client_credentials', client_id: 'decider', scope: 'authz' }, own);
      const decide = (certificate?: Certificate) =>
        send(`${stand.issuer}/access/v1/evaluation`, {
          method: 'POST',
          headers: { authorization: `Bearer ${json.access_token}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            subject: { type: 'user', id: 'x' },
            action: { name: 'read' },
            resource: { type: 'a', id: 'b' },
          }),
          tls: certificate,
        });
      expect((await decide(own)).status).to.equal(200);
      for (const wrong of [undefined, other, known]) expect((await decide(wrong)).status).to.equal(401);
    });

    it('RFC 8705 §3.3 says so in discovery', async () => {
      const { json } = await send(`${stand.issuer}/.well-known/openid-configuration`);
      expect(json.tls_client_certificate_bound_access_tokens).to.equal(true);
      expect(json.token_endpoint_auth_methods_supported).to.include.members(['tls_client_auth', 'self_signed_tls_client_auth']);
    });

    const handshake = (options: tls.ConnectionOptions): Promise<string> =>
      new Promise((resolve) => {
        const { port } = new URL(stand.issuer);
        const socket = tls.connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ...options });
        socket.on('secureConnect', () => {
          resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });

    it('FAPI 2.0 §5.2.2 RFC 9325 §4.2 speaks TLS 1.2 with forward secrecy and GCM only, and TLS 1.3', async () => {
      const old = { maxVersion: 'TLSv1.2' } as const;
      expect(await handshake({})).to.match(/^TLSv1\.3 /);
      expect(await handshake({ ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).to.match(/^TLSv1\.2 .*GCM/);
      for (const weak of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-CHACHA20-POLY1305']) {
        expect(await handshake({ ...old, ciphers: weak }), weak).to.equal('refused');
      }
      const ancient = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      expect(await handshake(ancient)).to.equal('refused');
    });

    it('RFC 9440 §2 a header is not looked at where TLS is our own', async () => {
      const headers = { 'client-cert': `:${derOf(own).toString('base64')}:` };
      const fields = { grant_type: 'client_credentials', client_id: 'self-signed' };
      expect((await post('/token', fields, undefined, headers)).status).to.equal(401);
    });
  });

  describe('behind a proxy (TLS_CLIENT_CERT=header)', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand({ env: { TLS_CLIENT_CERT: 'header', TRUST_PROXY: '127.0.0.1' }, bootstrap: { clients } });
    });
    after(() => stand.close());

    /** @param from address of the peer; `127.0.0.1` is the proxy */
    const token = async (clientId: string, clientCert: string | string[], from = '127.0.0.1') => {
      const { hostname, port } = new URL(stand.issuer);
      const body = `${new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId })}`;
      const headers = { ...formType, host: `${hostname}:${port}`, 'content-length': body.length, 'client-cert': clientCert };
      return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
        const options = { method: 'POST', host: '127.0.0.1', port, path: '/token', localAddress: from, headers };
        const outgoing = plainRequest(options, (response) => {
          text(response).then((content) => resolve({ status: response.statusCode ?? 0, json: JSON.parse(content) }), reject);
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    };
    const header = (certificate: Certificate): string => `:${derOf(certificate).toString('base64')}:`;

    it('RFC 9440 §2.1, RFC 8705 §6.2 takes the certificate that the proxy has seen', async () => {
      expect((await token('self-signed', header(own))).status).to.equal(200);
      expect((await token('by-subject', header(known))).status).to.equal(200);
    });

    it('RFC 9440 §4 refuses the same header from a peer that is not the proxy', async () => {
      for (const clientId of ['self-signed', 'by-subject']) {
        const { status, json } = await token(clientId, header(clientId === 'by-subject' ? known : own), '127.0.0.2');
        expect([status, json.error]).to.deep.equal([401, 'invalid_client']);
      }
    });

    for (const [what, value] of Object.entries<string | string[]>({
      'another certificate': header(other),
      'bytes that are no certificate': `:${Buffer.from('no certificate').toString('base64')}:`,
      'a certificate without its colons': derOf(own).toString('base64'),
      'two certificates': [header(other), header(own)],
      'PEM as proxies of old sent it': encodeURIComponent(own.cert),
    })) {
      it(`RFC 9440 §2.1 refuses ${what}`, async () => {
        const { status, json } = await token('self-signed', value);
        expect([status, json.error]).to.deep.equal([401, 'invalid_client']);
      });
    }
  });
});
