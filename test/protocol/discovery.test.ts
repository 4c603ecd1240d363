import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { personCalls } from '../support/callers.ts';
import {
  assertion,
  assertionFields,
  callback,
  createRelyingParty,
  dpopProof,
  makeKey,
  pkce,
  type SigningKey,
  secret,
  send,
} from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const openid = '/.well-known/openid-configuration';
const discover = async (stand: Stand) => (await send(`${stand.issuer}${openid}`)).json;
const app = { client_id: 'app', client_secret: secret, redirect_uris: [callback], grant_types: ['authorization_code'] };
const confidential = { ...app, token_endpoint_auth_method: 'client_secret_basic' };

const operator = { email: 'operator@example.test', password: 'plum-orbit-cabin-41' };

describe('P1 RFC 8414, OpenID Connect Discovery 1.0: exactly what is enabled', () => {
  describe('with plain clients', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand({ bootstrap: { clients: [confidential] } });
    });
    after(() => stand.close());

    it('says nothing of what no client has been allowed', async () => {
      const document = await discover(stand);
      expect(document).to.not.have.any.keys(
        'backchannel_authentication_endpoint',
        'backchannel_token_delivery_modes_supported',
        'frontchannel_logout_supported',
        'check_session_iframe',
        'registration_endpoint',
        'require_request_uri_registration',
      );
      expect(document.request_uri_parameter_supported).to.equal(false);
      expect(document.response_types_supported).to.deep.equal(['code']);
      expect(document.grant_types_supported).to.include('authorization_code').and.not.include('implicit');
      expect(document.token_endpoint_auth_methods_supported).to.not.include('tls_client_auth');
    });

    it('says what is on by default', async () => {
      const document = await discover(stand);
      expect(document).to.include({
        issuer: stand.issuer,
        authorization_response_iss_parameter_supported: true,
        backchannel_logout_supported: true,
        pushed_authorization_request_endpoint: `${stand.issuer}/par`,
        device_authorization_endpoint: `${stand.issuer}/device/code`,
        end_session_endpoint: `${stand.issuer}/logout`,
      });
      expect(document.code_challenge_methods_supported).to.deep.equal(['S256']);
      expect(document.dpop_signing_alg_values_supported).to.include('ES256');
      expect(document.prompt_values_supported).to.include('create');
      expect(document.response_modes_supported).to.include('jwt');
      const algorithms = Object.entries(document).filter(([name]) => /_alg_values_supported$/.test(name));
      for (const [name, values] of algorithms) expect(values, name).to.not.include('none');
    });

    it('is the same at both addresses, cacheable, and open to every origin', async () => {
      const headers = { origin: 'https://evil.example' };
      const [one, other] = await Promise.all(
        [openid, '/.well-known/oauth-authorization-server'].map((path) => send(`${stand.issuer}${path}`, { headers })),
      );
      expect(one?.json).to.deep.equal(other?.json);
      expect(one?.headers.get('cache-control')).to.match(/max-age=\d+/);
      expect(one?.headers.get('access-control-allow-origin')).to.equal('*');
      expect(one?.headers.get('access-control-allow-credentials')).to.equal(null);
    });
  });

  describe('as clients come and go', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand({ bootstrap: { users: [{ ...operator, email_verified: true, roles: ['SUPER_ADMIN'] }] } });
    });
    after(() => stand.close());

    it('RFC 8414 §2 says at once what the API allowed a client, and no more once that client is gone', async () => {
      const call = await personCalls(stand, operator.email, operator.password);
      const until = async (isThere: boolean) => {
        for (let round = 0; round < 200; round += 1) {
          const document = await discover(stand);
          if ('backchannel_authentication_endpoint' in document === isThere) return document;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error('discovery stays as it was');
      };
      expect(await discover(stand)).to.not.have.property('backchannel_authentication_endpoint');
      const till = { ...confidential, client_id: 'till', redirect_uris: [], response_types: [] };
      const { client_secret: _secret, ...metadata } = till;
      const { status, json } = await call('POST', '/clients', {
        ...metadata,
        grant_types: ['urn:openid:params:grant-type:ciba'],
        backchannel_token_delivery_mode: 'poll',
      });
      expect(status, JSON.stringify(json)).to.equal(201);
      const document = await until(true);
      expect(document.backchannel_user_code_parameter_supported).to.equal(false);
      expect(document.grant_types_supported).to.include('urn:openid:params:grant-type:ciba');
      await call('DELETE', '/clients/till');
      await until(false);
    });
  });

  describe('with clients that were allowed more', () => {
    let stand: Stand;
    before(async () => {
      stand = await startStand({
        bootstrap: {
          clients: [
            {
              ...confidential,
              request_uris: ['https://app.example.test/request.jwt'],
              frontchannel_logout_uri: 'https://app.example.test/out',
              session_management: true,
            },
            {
              ...confidential,
              client_id: 'till',
              redirect_uris: [],
              grant_types: ['urn:openid:params:grant-type:ciba'],
              backchannel_token_delivery_mode: 'poll',
            },
            {
              ...confidential,
              client_id: 'old',
              grant_types: ['implicit', 'authorization_code'],
              response_types: ['code id_token'],
            },
          ],
        },
      });
    });
    after(() => stand.close());

    it('advertises it', async () => {
      let document = await discover(stand);
      for (let round = 0; round < 100 && document.check_session_iframe === undefined; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        document = await discover(stand);
      }
      expect(document).to.include({
        backchannel_authentication_endpoint: `${stand.issuer}/backchannel`,
        frontchannel_logout_supported: true,
        request_uri_parameter_supported: true,
        require_request_uri_registration: true,
        check_session_iframe: `${stand.issuer}/session/check`,
      });
      expect(document.response_types_supported).to.include('code id_token');
    });
  });

  describe('P9 PROFILE=fapi2', () => {
    let stand: Stand;
    let key: SigningKey;
    before(async () => {
      key = await makeKey('ES256');
      stand = await startStand({
        env: { PROFILE: 'fapi2', DYNAMIC_REGISTRATION: 'open' },
        bootstrap: {
          clients: [
            {
              client_id: 'bank',
              redirect_uris: [callback],
              grant_types: ['authorization_code'],
              jwks: { keys: [{ ...key.publicJwk }] },
              token_endpoint_auth_signing_alg: 'ES256',
            },
          ],
        },
      });
    });
    after(() => stand.close());

    const push = async (fields: Record<string, string> = {}) =>
      createRelyingParty(stand, 'bank').post(
        '/par',
        {
          client_id: 'bank',
          redirect_uri: callback,
          response_type: 'code',
          scope: 'openid',
          ...pkce,
          ...assertionFields(await assertion(key, 'bank', stand.issuer)),
          ...fields,
        },
        {},
      );

    it('advertises what every client has to do', async () => {
      const document = await discover(stand);
      expect(document.require_pushed_authorization_requests).to.equal(true);
      expect(document.token_endpoint_auth_methods_supported).to.deep.equal(['private_key_jwt']);
    });

    it('lets a client with nothing said sign in under everything that FAPI 2.0 asks', async () => {
      const party = createRelyingParty(stand, 'bank');
      const { status, json: pushed } = await push();
      expect(status).to.equal(201);
      const url = `${stand.issuer}/authorize?client_id=bank&request_uri=${encodeURIComponent(pushed.request_uri)}`;
      const answer = (await party.visit(url)).searchParams;
      expect(answer.get('iss')).to.equal(stand.issuer);
      const proof = await dpopProof(key, 'POST', `${stand.issuer}/token`);
      const fields = assertionFields(await assertion(key, 'bank', stand.issuer));
      const { status: redeemed, json: tokens } = await party.redeem(String(answer.get('code')), fields, { DPoP: proof });
      expect([redeemed, tokens.token_type]).to.deep.equal([200, 'DPoP']);
    });

    it('refuses a request that was not pushed, and an assertion for the token endpoint', async () => {
      const page = await createRelyingParty(stand, 'bank').open();
      expect(new URL(page.headers.get('location') ?? '').searchParams.get('error')).to.equal('invalid_request');
      expect((await push(assertionFields(await assertion(key, 'bank', `${stand.issuer}/token`)))).json.error).to.equal(
        'invalid_client',
      );
    });

    it('leaves our own pages, which are no application of anybody’s, as they are: a person signs in to the account', async () => {
      const agent = createAgent(stand.issuer);
      const login = await agent.open(`${stand.issuer}/account/security`);
      const page = await agent.submit(login, { ...stand.person });
      expect([page.status, new URL(page.url).pathname]).to.deep.equal([200, '/account/security']);
      const api = await send(`${stand.issuer}/api/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: stand.person.login, password: stand.person.password }),
      });
      expect(api.status).to.equal(200);
    });

    it('refuses a weaker registration with a reason', async () => {
      const body = JSON.stringify({ redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_basic' });
      const headers = { 'content-type': 'application/json' };
      const { status, json } = await send(`${stand.issuer}/register`, { method: 'POST', headers, body });
      expect([status, json.error]).to.deep.equal([400, 'invalid_client_metadata']);
      expect(json.error_description).to.match(/^profile fapi2 /);
      const weak = await startStand({ env: { PROFILE: 'fapi2' }, bootstrap: { clients: [confidential] } }).then(
        (started) => started.close(),
        (error: { mistakes?: string[] }) => error.mistakes,
      );
      expect(weak).to.satisfy((mistakes: string[]) => mistakes?.some((line) => line.includes('profile fapi2')));
    });
  });
});
