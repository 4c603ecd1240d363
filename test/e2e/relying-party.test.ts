import { expect } from 'chai';
import * as client from 'openid-client';
import { createAgent, passPages } from '../support/agent.ts';
import { createFlows } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const callback = 'http://127.0.0.1:41701/callback';
const signedOut = 'http://127.0.0.1:41701/signed-out';
const secret = 'a-secret-of-at-least-thirty-two-characters';
const orders = 'https://orders.example.test/';
const television = { id: 'television' };

/** The refusal of an endpoint, as the library tells it. */
const refusal = async (work: Promise<unknown>): Promise<client.ResponseBodyError> => {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(client.ResponseBodyError);
  return outcome as client.ResponseBodyError;
};

describe('P1 openid-client, everything a relying party does', function relyingParty() {
  this.timeout(60_000);
  let stand: Stand;
  let agent: ReturnType<typeof createAgent>;
  let config: client.Configuration;
  const discover = (id: string, authentication?: client.ClientAuth) =>
    client.discovery(new URL(stand.issuer), id, authentication ? secret : undefined, authentication ?? client.None(), {
      execute: [client.allowInsecureRequests],
    });

  before(async () => {
    stand = await startStand({
      bootstrap: {
        clients: [
          {
            client_id: 'web',
            client_secret: secret,
            client_name: 'Acme Reports',
            redirect_uris: [callback],
            post_logout_redirect_uris: [signedOut],
            response_types: ['code'],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'client_secret_basic',
          },
          {
            client_id: 'robot',
            client_secret: secret,
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
            token_endpoint_auth_method: 'client_secret_post',
            scope: 'orders:read',
          },
          {
            client_id: television.id,
            client_name: 'Acme Television',
            redirect_uris: [],
            response_types: [],
            grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
            token_endpoint_auth_method: 'none',
          },
        ],
        resources: [{ identifier: orders, name: 'Orders', scopes: ['orders:read', 'orders:write'], accessTokenFormat: 'jwt' }],
      },
    });
    agent = createAgent(stand.issuer);
    config = await discover('web', client.ClientSecretBasic(secret));
  });
  after(() => stand?.close());

  const signIn = async (more: Record<string, string> = {}) => {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid email profile offline_access',
      prompt: 'consent',
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...more,
    });
    const answer = new URL(await passPages(agent, await agent.open(url.href), stand.person));
    expect(answer.searchParams.get('iss')).to.equal(stand.issuer);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return { tokens: await client.authorizationCodeGrant(config, answer, checks), answer, checks };
  };

  it('OpenID Connect Discovery §4 finds every endpoint at the issuer', () => {
    const metadata = config.serverMetadata();
    expect(metadata.issuer).to.equal(stand.issuer);
    const endpoints = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name) && !/^op_|service/.test(name));
    expect(endpoints.length).to.be.greaterThan(8);
    for (const [name, address] of endpoints) expect(String(address), name).to.match(new RegExp(`^${stand.issuer}/`));
  });

  it('RFC 7636 code and PKCE: sign-in, consent, ID token, userinfo', async () => {
    const { tokens, answer, checks } = await signIn();
    const claims = tokens.claims();
    expect(claims?.aud).to.equal('web');
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(userinfo).to.include({ email: stand.person.login, given_name: 'Ada' });
    // CO-01: the code is spent, and a second use ends what it got.
    expect((await refusal(client.authorizationCodeGrant(config, answer, checks))).error).to.equal('invalid_grant');
    expect((await client.tokenIntrospection(config, tokens.access_token)).active).to.equal(false);
  });

  it('RFC 9700 §4.14 refresh tokens rotate, and reuse ends the family', async () => {
    const { tokens } = await signIn();
    const second = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    const third = await client.refreshTokenGrant(config, second.refresh_token ?? '');
    expect(new Set([tokens.refresh_token, second.refresh_token, third.refresh_token]).size).to.equal(3);
    expect((await refusal(client.refreshTokenGrant(config, second.refresh_token ?? ''))).error).to.equal('invalid_grant');
    expect((await refusal(client.refreshTokenGrant(config, third.refresh_token ?? ''))).error).to.equal('invalid_grant');
    expect((await client.tokenIntrospection(config, third.access_token)).active).to.equal(false);
  });

  it('RFC 7662, RFC 7009 introspects and revokes', async () => {
    const { tokens } = await signIn();
    const introspection = await client.tokenIntrospection(config, tokens.access_token);
    expect(introspection).to.include({ active: true, client_id: 'web', iss: stand.issuer, token_type: 'Bearer' });
    await client.tokenRevocation(config, tokens.access_token);
    expect(await client.tokenIntrospection(config, tokens.access_token)).to.deep.equal({ active: false });
    await client.tokenRevocation(config, tokens.refresh_token ?? '');
    expect((await refusal(client.refreshTokenGrant(config, tokens.refresh_token ?? ''))).error).to.equal('invalid_grant');
  });

  it('RFC 6749 §4.4 client credentials get a token for the one resource that has the scope', async () => {
    const robot = await discover('robot', client.ClientSecretPost(secret));
    const tokens = await client.clientCredentialsGrant(robot, { scope: 'orders:read' });
    const [, payload = ''] = tokens.access_token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    expect(claims).to.include({ iss: stand.issuer, aud: orders, client_id: 'robot', scope: 'orders:read' });
    expect(tokens.refresh_token).to.equal(undefined);
    // CO-06: never more than the client is registered for.
    const more = await client.clientCredentialsGrant(robot, { scope: 'orders:read orders:write' }).catch(() => undefined);
    expect(more?.scope ?? '').not.to.include('orders:write');
  });

  describe('RFC 8628 device flow', () => {
    let device: client.Configuration;
    const people = () => createFlows(stand.issuer, television, stand.person);
    const poll = (code: string) =>
      client.genericGrantRequest(device, 'urn:ietf:params:oauth:grant-type:device_code', { device_code: code });

    before(async () => {
      device = await discover(television.id);
    });

    it('§3.3 signs in on another screen, by the code in the address', async () => {
      const started = await client.initiateDeviceAuthorization(device, { scope: 'openid email offline_access' });
      expect((await refusal(poll(started.device_code))).error).to.equal('authorization_pending');
      const page = await people().approveDevice(started.verification_uri_complete ?? '', started.user_code);
      expect(page.status).to.equal(200);
      expect(page.body).to.include('Acme Television');
      const tokens = await client.pollDeviceAuthorizationGrant(device, { ...started, interval: 0 });
      expect(tokens.claims()?.sub).to.be.a('string');
      expect(tokens.refresh_token).to.be.a('string');
      expect((await refusal(poll(started.device_code))).error).to.equal('invalid_grant');
    });

    it('§3.3 takes the code as people type it', async () => {
      const started = await client.initiateDeviceAuthorization(device, { scope: 'openid' });
      const typed = started.user_code.toLowerCase().replace('-', ' ');
      const page = await people().approveDevice(started.verification_uri, typed);
      expect(page.status).to.equal(200);
      expect((await poll(started.device_code)).access_token).to.be.a('string');
    });

    it('§3.5 a refusal reaches the device', async () => {
      const started = await client.initiateDeviceAuthorization(device, { scope: 'openid' });
      const browser = createAgent(stand.issuer);
      let page = await browser.submit(await browser.open(started.verification_uri), { user_code: started.user_code });
      page = await browser.submit(page, { decision: 'deny' });
      expect(page.status).to.equal(200);
      expect((await refusal(poll(started.device_code))).error).to.equal('access_denied');
    });

    it('an unknown code is told beside its field', async () => {
      const browser = createAgent(stand.issuer);
      const page = await browser.submit(await browser.open(`${stand.issuer}/device`), { user_code: 'AAAA-AAAA' });
      expect(page.status).to.equal(400);
      expect(page.body).to.match(/aria-invalid/);
    });
  });

  it('RP-Initiated Logout §2 leads back to the application, and everything of the session is over', async () => {
    const browser = createAgent(stand.issuer);
    const flows = createFlows(stand.issuer, { id: 'web', secret }, stand.person);
    const grant = await flows.code({ redirect_uri: callback, scope: 'openid', prompt: 'consent' }, browser);
    const answer = await flows.post('/token', {
      grant_type: 'authorization_code',
      code: grant.code,
      code_verifier: grant.verifier,
      redirect_uri: callback,
    });
    const silent = flows.request({ redirect_uri: callback, scope: 'openid', prompt: 'none' });
    expect((await browser.open(silent.url)).headers.get('location')).to.include('code=');
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: String(answer.body.id_token),
      post_logout_redirect_uri: signedOut,
      state: 'done',
    });
    const question = await browser.open(url.href);
    expect(question.status).to.equal(200);
    const page = await browser.submit(question, { logout: 'yes' });
    expect(page.headers.get('location')).to.equal(`${signedOut}?state=done`);
    expect((await browser.open(silent.url)).headers.get('location')).to.include('error=login_required');
    expect((await flows.introspect(String(answer.body.access_token))).body).to.deep.equal({ active: false });
    expect((await flows.userinfo(String(answer.body.access_token))).status).to.equal(401);
  });
});
