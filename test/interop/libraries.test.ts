import { expect } from 'chai';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { createAgent, passPages } from '../support/agent.ts';
import { type Stand, startStand } from '../support/stand.ts';

const callback = 'http://127.0.0.1:8766/callback';
const secret = 'a-secret-of-at-least-thirty-two-characters';
const resource = 'https://orders.example.test/';

describe('INTEROP relying-party libraries', () => {
  let stand: Stand;
  const visit = async (url: URL): Promise<URL> => {
    const agent = createAgent(stand.issuer);
    return new URL(await passPages(agent, await agent.open(url.href), stand.person));
  };

  before(async () => {
    const redirects = {
      redirect_uris: [callback],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
    };
    stand = await startStand({
      bootstrap: {
        clients: [
          { client_id: 'library', client_secret: secret, ...redirects, token_endpoint_auth_method: 'client_secret_basic' },
          { client_id: 'spa', ...redirects, token_endpoint_auth_method: 'none' },
        ],
        resources: [{ identifier: resource, name: 'Orders', scopes: ['orders:read'], accessTokenFormat: 'jwt' }],
      },
    });
  });
  after(() => stand.close());

  describe('openid-client', () => {
    const discover = () =>
      client.discovery(new URL(stand.issuer), 'library', secret, client.ClientSecretBasic(secret), {
        execute: [client.allowInsecureRequests],
      });
    const signIn = async (config: client.Configuration, scope: string, more: Record<string, string> = {}) => {
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      const nonce = client.randomNonce();
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...more,
      });
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
      return client.authorizationCodeGrant(config, await visit(url), checks);
    };

    it('signs in, reads userinfo, refreshes, introspects and revokes', async () => {
      const config = await discover();
      const tokens = await signIn(config, 'openid email offline_access', { prompt: 'consent' });
      const { sub = '' } = tokens.claims() ?? {};
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
      expect(userinfo.email).to.be.a('string');
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
      expect(refreshed.access_token).to.not.equal(tokens.access_token);
      expect((await client.tokenIntrospection(config, refreshed.access_token)).active).to.equal(true);
      await client.tokenRevocation(config, refreshed.refresh_token ?? '');
      expect((await client.tokenIntrospection(config, refreshed.access_token)).active).to.equal(false);
    });

    it('pushes its request (RFC 9126) and gets a JWT access token for a resource (RFC 8707, RFC 9068)', async () => {
      const config = await discover();
      const verifier = client.randomPKCECodeVerifier();
      const url = await client.buildAuthorizationUrlWithPAR(config, {
        redirect_uri: callback,
        scope: 'openid orders:read',
        resource,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      expect([...url.searchParams.keys()].sort()).to.deep.equal(['client_id', 'request_uri']);
      const tokens = await client.authorizationCodeGrant(config, await visit(url), { pkceCodeVerifier: verifier }, { resource });
      const [header, payload] = tokens.access_token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
      expect(JSON.parse(header ?? '').typ).to.equal('at+jwt');
      expect(JSON.parse(payload ?? '')).to.include({
        iss: stand.issuer,
        aud: resource,
        client_id: 'library',
        scope: 'orders:read',
      });
    });

    it('P6 OP-08 keys rotate under a client and a resource server that keep the key set, and no token fails', async () => {
      const config = await discover();
      client.enableNonRepudiationChecks(config);
      const keySet = createRemoteJWKSet(new URL(`${stand.issuer}/jwks`));
      const accessToken = async (): Promise<string> => {
        const verifier = client.randomPKCECodeVerifier();
        const url = client.buildAuthorizationUrl(config, {
          redirect_uri: callback,
          scope: 'openid orders:read',
          resource,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        });
        const answer = await visit(url);
        return (await client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier }, { resource })).access_token;
      };
      const verified = async (token: string): Promise<string | undefined> =>
        (await jwtVerify(token, keySet, { issuer: stand.issuer, audience: resource, typ: 'at+jwt' })).protectedHeader.kid;
      const before = await accessToken();
      const oldKid = await verified(before);
      await stand.app.rotateKeys();
      const after = await accessToken();
      expect(await verified(after))
        .to.be.a('string')
        .and.not.equal(oldKid);
      expect(await verified(before)).to.equal(oldKid);
      expect((await signIn(config, 'openid')).claims()?.sub).to.be.a('string');
    });

    it('is told of a refusal with the issuer', async () => {
      const config = await discover();
      const error = await signIn(config, 'openid', { prompt: 'none' }).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(client.AuthorizationResponseError);
      expect((error as client.AuthorizationResponseError).error).to.equal('login_required');
    });
  });

  describe('oauth4webapi', () => {
    const insecure = { [oauth.allowInsecureRequests]: true };

    it('signs in as a public client with DPoP (RFC 9449), and validates every answer', async () => {
      const issuer = new URL(stand.issuer);
      const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
      const spa: oauth.Client = { client_id: 'spa' };
      const proof = oauth.DPoP(spa, await oauth.generateKeyPair('ES256'));
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const url = new URL(server.authorization_endpoint ?? '');
      url.search = new URLSearchParams({
        client_id: spa.client_id,
        redirect_uri: callback,
        response_type: 'code',
        scope: 'openid email',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString();
      const parameters = oauth.validateAuthResponse(server, spa, await visit(url), state);
      const request = () =>
        oauth.authorizationCodeGrantRequest(server, spa, oauth.None(), parameters, callback, verifier, {
          DPoP: proof,
          ...insecure,
        });
      const tokens = await oauth.processAuthorizationCodeResponse(server, spa, await request());
      expect(tokens.token_type).to.equal('dpop');
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      const answer = await oauth.userInfoRequest(server, spa, tokens.access_token, { DPoP: proof, ...insecure });
      const userinfo = await oauth.processUserInfoResponse(server, spa, claims?.sub ?? '', answer);
      expect(userinfo.email).to.be.a('string');
      const bearer = await fetch(server.userinfo_endpoint ?? '', { headers: { authorization: `Bearer ${tokens.access_token}` } });
      expect(bearer.status).to.equal(401);
    });
  });
});
