import tls from 'node:tls';
import { expect } from 'chai';
import { createCertificate } from '../../conformance/own/certificate.ts';
import { startRelyingParty } from '../../conformance/own/relying-party.ts';
import { createRegistrationTokens } from '../../src/oidc/registration-tokens/service.ts';
import { createAgent } from '../support/agent.ts';
import { type Answer, makeKey, nowSeconds, pkce, send, signJwt } from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const redirect = 'https://app.example.test/callback';
const good = { client_name: 'Mine', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'] };
const json = { 'content-type': 'application/json' };

const register = (stand: Stand, metadata: object, token?: string): Promise<Answer> =>
  send(`${stand.issuer}/register`, {
    method: 'POST',
    headers: { ...json, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(metadata),
  });

const manage = (url: string, token: string, method = 'GET', body?: object): Promise<Answer> =>
  send(url, {
    method,
    headers: { ...json, authorization: `Bearer ${token}` },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

describe('P4 RFC 7591 registration in three modes', () => {
  describe('off', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand();
    });
    after(() => stand.close());

    it('CL-01 is not there and not advertised', async () => {
      expect((await register(stand, good)).status).to.equal(404);
      const { json: document } = await send(`${stand.issuer}/.well-known/openid-configuration`);
      expect(document).to.not.have.property('registration_endpoint');
      expect(document).to.not.have.property('client_id_metadata_document_supported');
    });
  });

  describe('token', () => {
    let stand: Stand;
    const moved = { seconds: 0 };
    const tokens = () =>
      createRegistrationTokens({
        database: stand.database,
        clock: { now: () => new Date(Date.now() + moved.seconds * 1000) },
        sinks: { audit: () => ({ record: async () => undefined }) },
      });
    const make = async (more: object = {}) => tokens().create({ name: 'partner', ...more }, { type: 'system' });

    before(async () => {
      stand = await startStand({ env: { DYNAMIC_REGISTRATION: 'token' } });
    });
    after(() => stand.close());

    it('RFC 7591 §3.1 registers with a live initial access token', async () => {
      const { status, json: client } = await register(stand, good, (await make()).token);
      expect(status).to.equal(201);
      expect(client).to.include({ client_name: 'Mine' });
      expect(client.client_secret).to.match(/^[\w-]{43,}$/);
      expect(client.registration_client_uri).to.equal(`${stand.issuer}/register/${client.client_id}`);
    });

    it('CL-01 refuses without a token, with an unknown, an expired and a revoked one', async () => {
      const nothing = await register(stand, good);
      expect(nothing.status).to.equal(401);
      expect(nothing.headers.get('www-authenticate')).to.match(/^Bearer/);
      expect((await register(stand, good, 'unknown')).status).to.equal(401);
      moved.seconds = -200_000;
      const { token: expired } = await make({ expiresInSeconds: 60 });
      moved.seconds = 0;
      expect((await register(stand, good, expired)).json.error).to.equal('invalid_token');
      const revoked = await make();
      await tokens().revoke(revoked.id, { type: 'system' });
      expect((await register(stand, good, revoked.token)).status).to.equal(401);
    });

    it('CL-01 lets it be used as often as it says, also at once; a refused request takes no use', async () => {
      const { token } = await make({ uses: 2 });
      expect((await register(stand, { ...good, redirect_uris: ['javascript:alert(1)'] }, token)).status).to.equal(400);
      const answers = await Promise.all(Array.from({ length: 6 }, () => register(stand, good, token)));
      expect(answers.filter(({ status }) => status === 201)).to.have.length(2);
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([201, 401]));
    });

    it('keeps to the policy of its token, at first and when it changes itself (CL-04)', async () => {
      const policy = { redirectHosts: ['app.example.test'], scopes: ['openid', 'email'] };
      const { token } = await make({ uses: 5, policy });
      const elsewhere = { ...good, redirect_uris: ['https://evil.example/callback'] };
      expect((await register(stand, elsewhere, token)).json.error).to.equal('invalid_redirect_uri');
      expect((await register(stand, { ...good, scope: 'openid phone' }, token)).json.error).to.equal('invalid_client_metadata');
      const { json: client } = await register(stand, { ...good, scope: 'openid' }, token);
      const { registration_client_uri: uri, registration_access_token: own, client_id } = client;
      const wider = await manage(uri, own, 'PUT', { ...elsewhere, client_id });
      expect([wider.status, wider.json.error]).to.deep.equal([400, 'invalid_redirect_uri']);
      const narrower = await manage(uri, own, 'PUT', { ...good, client_id, client_name: 'Renamed', scope: 'openid email' });
      expect([narrower.status, narrower.json.client_name]).to.deep.equal([200, 'Renamed']);
    });

    it('lets a policy allow machine grants, which open registration never does', async () => {
      const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
      expect((await register(stand, machine, (await make()).token)).status).to.equal(400);
      const { token } = await make({ policy: { grantTypes: ['client_credentials'] } });
      expect((await register(stand, machine, token)).status).to.equal(201);
    });

    describe('RFC 7591 §2.3 software statements', () => {
      const issuer = 'https://publisher.example.test';
      let token: string;
      let statement: (claims?: object) => Promise<string>;
      before(async () => {
        const key = await makeKey();
        const policy = {
          softwareStatements: { issuers: [{ issuer, jwks: { keys: [{ ...key.publicJwk }] } }], isRequired: true },
        };
        ({ token } = await make({ uses: 10, policy }));
        statement = (claims = {}) =>
          signJwt(key, { iss: issuer, iat: nowSeconds(), client_name: 'Said by the publisher', ...claims });
      });

      it('goes before what the client says of itself', async () => {
        const { status, json: client } = await register(stand, { ...good, software_statement: await statement() }, token);
        expect([status, client.client_name]).to.deep.equal([201, 'Said by the publisher']);
      });

      it('is refused when missing, from somebody else, or altered', async () => {
        expect((await register(stand, good, token)).json.error).to.equal('unapproved_software_statement');
        const foreign = await statement({ iss: 'https://other.example.test' });
        expect((await register(stand, { ...good, software_statement: foreign }, token)).json.error).to.match(/^unapproved/);
        const altered = `${(await statement()).slice(0, -6)}AAAAAA`;
        expect((await register(stand, { ...good, software_statement: altered }, token)).json.error).to.equal(
          'invalid_software_statement',
        );
      });

      it('is not believed where the token knows no publisher', async () => {
        const answer = await register(stand, { ...good, software_statement: await statement() }, (await make()).token);
        expect(answer.json.error).to.equal('unapproved_software_statement');
      });
    });
  });

  describe('open', () => {
    let stand: Stand;
    let party: Awaited<ReturnType<typeof startRelyingParty>>;
    before(async () => {
      const certificate = createCertificate('registering party');
      tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
      party = await startRelyingParty(certificate);
      stand = await startStand({ env: { DYNAMIC_REGISTRATION: 'open', OUTBOUND_ALLOW: '127.0.0.1' } });
    });
    after(async () => {
      await stand.close();
      await party.close();
    });

    it('OpenID Connect Core §8.1 pairwise subjects of several hosts share the sector that their document names', async () => {
      const redirects = ['https://one.example.test/callback', 'https://two.example.test/callback'];
      const { url } = party.publish('sector', redirects);
      const pairwise = { ...good, redirect_uris: redirects, subject_type: 'pairwise' };
      const { status, json: client } = await register(stand, { ...pairwise, sector_identifier_uri: url });
      expect([status, client.subject_type, client.sector_identifier_uri]).to.deep.equal([201, 'pairwise', url]);
    });

    for (const [what, uri] of Object.entries<() => string | undefined>({
      'several hosts without a document': () => undefined,
      'a document that leaves one of them out': () => party.publish('sector', ['https://one.example.test/callback']).url,
      'a document that is no list': () => party.publish('sector', { redirect_uris: [] }).url,
      'a document that is not there': () => `${party.origin}/sector/none`,
      'a document that anybody on the way could change': () => party.publish('sector', []).url.replace('https', 'http'),
      'a document in our own network': () => 'https://10.0.0.1/sector',
    })) {
      it(`OpenID Connect Core §8.1, Registration §5 refuses ${what}`, async () => {
        const redirects = ['https://one.example.test/callback', 'https://two.example.test/callback'];
        const pairwise = { ...good, redirect_uris: redirects, subject_type: 'pairwise', sector_identifier_uri: uri() };
        const { status, json: answer } = await register(stand, pairwise);
        expect([status, answer.error]).to.deep.equal([400, 'invalid_client_metadata']);
      });
    }

    it('RFC 7591 §3.2.1 registers anybody, and consent says that nobody vouches for it', async () => {
      const { status, json: client } = await register(stand, { ...good, token_endpoint_auth_method: 'none' });
      expect(status).to.equal(201);
      const agent = createAgent(stand.issuer);
      const url = new URL(`${stand.issuer}/authorize`);
      const request = { client_id: client.client_id, redirect_uri: redirect, response_type: 'code', scope: 'openid', ...pkce };
      url.search = new URLSearchParams(request).toString();
      const login = await agent.open(url.href);
      const consent = await agent.submit(login, { ...stand.person });
      expect(consent.body).to.match(/not verified/i);
    });

    for (const scheme of ['JaVaScRiPt:alert(1)', 'data:text/html,x', 'vbscript:x', 'blob:https://evil.example/1']) {
      for (const field of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri', 'backchannel_logout_uri']) {
        it(`RU-03 refuses ${field} ${scheme.split(':')[0]}:`, async () => {
          const { status, json: answer } = await register(stand, { ...good, [field]: scheme });
          expect([status, answer.error]).to.deep.equal([400, 'invalid_client_metadata']);
        });
      }
      it(`RU-03 refuses redirects to ${scheme.split(':')[0]}:`, async () => {
        for (const field of ['redirect_uris', 'post_logout_redirect_uris']) {
          const { status, json: answer } = await register(stand, { ...good, [field]: [scheme] });
          expect([status, answer.error], field).to.satisfy(
            ([code, error]: [number, string]) => code === 400 && /^invalid_/.test(error),
          );
        }
      });
    }

    for (const [name, value] of Object.entries({
      first_party: true,
      skip_consent: true,
      trusted: true,
      organization_id: '018f0000-0000-7000-8000-000000000000',
      profile: 'fapi2',
      require_pkce: false,
      may_impersonate: true,
      access_token_ttl_seconds: 99_999,
      claims_mapping: { roles: 'admin' },
    })) {
      it(`CL-05 refuses or drops ${name}`, async () => {
        const { status, json: answer } = await register(stand, { ...good, [name]: value });
        if (status === 201) expect(answer).to.not.have.property(name);
        else expect([status, answer.error]).to.deep.equal([400, 'invalid_client_metadata']);
      });
    }

    it('RFC 7591 §2.3 believes nobody’s software statement', async () => {
      expect((await register(stand, { ...good, software_statement: 'a.b.c' })).json.error).to.equal(
        'unapproved_software_statement',
      );
    });

    describe('RFC 7592 management', () => {
      let client: Record<string, string>;
      beforeEach(async () => {
        client = (await register(stand, good)).json;
      });
      const uri = () => client.registration_client_uri as string;
      const own = () => client.registration_access_token as string;

      it('§2.1 reads without the secret, §2.2 replaces, §2.3 removes', async () => {
        const read = await manage(uri(), own());
        expect([read.status, read.json.client_id]).to.deep.equal([200, client.client_id]);
        expect(read.json).to.not.have.property('client_secret');
        const changed = await manage(uri(), own(), 'PUT', { ...good, client_id: client.client_id, client_name: 'Other' });
        expect([changed.status, changed.json.client_name]).to.deep.equal([200, 'Other']);
        // The token is a new one after a change.
        expect((await manage(uri(), own())).status).to.equal(401);
        const { registration_access_token: next } = changed.json;
        expect((await manage(uri(), next, 'DELETE')).status).to.equal(204);
        expect((await manage(uri(), next)).status).to.equal(401);
      });

      it('CL-04 refuses the token at another client, and spends it', async () => {
        const other = (await register(stand, good)).json;
        const foreign = await manage(other.registration_client_uri, own());
        expect([foreign.status, foreign.json.error]).to.deep.equal([401, 'invalid_token']);
        expect((await manage(uri(), own())).status).to.equal(401);
      });

      it('CL-04 refuses to widen and to change id or secret', async () => {
        const put = (over: object) => manage(uri(), own(), 'PUT', { ...good, client_id: client.client_id, ...over });
        for (const [over, error] of [
          [{ grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
          [{ client_id: 'another' }, 'invalid_request'],
          [{ client_secret: 'x'.repeat(40) }, 'invalid_request'],
        ] as const) {
          const { status, json: answer } = await put(over);
          expect([status, answer.error], JSON.stringify(over)).to.deep.equal([400, error]);
        }
      });

      it('CL-04 cannot bring back what an administrator disabled', async () => {
        await stand.database.knex('clients').where({ client_id: client.client_id }).update({ disabled_at: new Date() });
        expect((await manage(uri(), own())).status).to.equal(401);
        expect((await manage(uri(), own(), 'DELETE')).status).to.equal(401);
        const row = await stand.database.knex('clients').where({ client_id: client.client_id }).first('disabled_at');
        expect(row?.disabled_at).to.be.instanceOf(Date);
      });
    });

    describe('OAuth Client ID Metadata Document', () => {
      const publish = (metadata: object = {}): string => {
        const { url, replace } = party.publish('client', {});
        replace({ client_id: url, redirect_uris: [redirect], token_endpoint_auth_method: 'none', ...metadata });
        return url;
      };
      const push = (clientId: string, redirectUri = redirect) => {
        const request = { client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid', ...pkce };
        return send(`${stand.issuer}/par`, { method: 'POST', body: new URLSearchParams(request) });
      };

      it('knows a client by the document at its id, and no redirect beside those in it', async () => {
        const clientId = publish();
        expect((await push(clientId)).status).to.equal(201);
        const elsewhere = await push(clientId, 'https://evil.example/callback');
        expect([elsewhere.status, elsewhere.json.error]).to.deep.equal([400, 'invalid_request']);
      });

      for (const [what, clientId] of Object.entries<() => string>({
        'a document of another client': () => publish({ client_id: 'https://other.example.test/client' }),
        'a secret that everybody can read': () => publish({ client_secret: 'x'.repeat(40) }),
        'a document that is not there': () => `${party.origin}/client/none`,
        'a document in our own network': () => 'https://10.0.0.1/client',
      })) {
        it(`refuses ${what}`, async () => {
          const { status, json: answer } = await push(clientId());
          expect(status).to.be.oneOf([400, 401]);
          expect(answer.error).to.match(/^invalid_client(_metadata)?$/);
        });
      }
    });

    it('OP-11 refuses oversized keys and key sets', async () => {
      const large = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(2048, 255).toString('base64url') };
      const many = { keys: Array.from({ length: 1000 }, () => large) };
      const keyed = { ...good, token_endpoint_auth_method: 'private_key_jwt' };
      expect((await register(stand, { ...keyed, jwks: { keys: [large] } })).status).to.equal(400);
      expect([400, 413]).to.include((await register(stand, { ...keyed, jwks: many })).status);
    });
  });

  describe('open, with limits on', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand({ env: { DYNAMIC_REGISTRATION: 'open', RATE_LIMITS: 'on' } });
    });
    after(() => stand.close());

    it('CL-01 is throttled by address', async () => {
      const statuses: number[] = [];
      for (let count = 0; count < 24; count += 1) statuses.push((await register(stand, good)).status);
      expect(statuses.filter((status) => status === 201)).to.have.length(20);
      const refused = await register(stand, good);
      expect(refused.status).to.equal(429);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 900);
    });
  });
});
