import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { expect } from 'chai';
import { createCertificate } from '../../conformance/own/certificate.ts';
import { createAgent, readForm } from '../support/agent.ts';
import { type Answer, basic, callback, createRelyingParty, secret } from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const grant = 'urn:openid:params:grant-type:ciba';
const orders = 'https://orders.example.test/';

describe('P1 OpenID CIBA Core 1.0', () => {
  let stand: Stand;
  let pings: Server;
  const received: { authorization: string | undefined; body: string }[] = [];

  const ask = (fields: Record<string, string> = {}, clientId = 'till'): Promise<Answer> =>
    createRelyingParty(stand, clientId).post('/backchannel', {
      scope: 'openid email',
      login_hint: stand.person.login,
      ...fields,
    });
  const poll = (authReqId: string, clientId = 'till', more: Record<string, string> = {}): Promise<Answer> =>
    createRelyingParty(stand, clientId).post('/token', { grant_type: grant, auth_req_id: authReqId, ...more });
  const signedIn = async () => {
    const agent = createAgent(stand.issuer);
    const login = await agent.open(`${stand.issuer}/approvals`);
    const page = await agent.submit(login, { ...stand.person });
    return { agent, page };
  };
  const forget = () => stand.database.knex('approvals').delete();

  before(async () => {
    const certificate = createCertificate('till');
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
    pings = createServer(certificate, async (request, response) => {
      received.push({ authorization: request.headers.authorization, body: await text(request) });
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => pings.listen(0, '127.0.0.1', resolve));
    const { port } = pings.address() as AddressInfo;
    const client = {
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: [grant],
      response_types: [],
      redirect_uris: [],
    };
    stand = await startStand({
      env: { OUTBOUND_ALLOW: 'localhost' },
      bootstrap: {
        clients: [
          { ...client, client_id: 'till', client_name: 'The till', backchannel_token_delivery_mode: 'poll' },
          {
            ...client,
            client_id: 'pinged',
            backchannel_token_delivery_mode: 'ping',
            backchannel_client_notification_endpoint: `https://localhost:${port}/ping`,
          },
          {
            client_id: 'app',
            client_secret: secret,
            token_endpoint_auth_method: 'client_secret_basic',
            redirect_uris: [callback],
            grant_types: ['authorization_code'],
          },
        ],
        resources: [
          {
            identifier: orders,
            name: 'Orders',
            scopes: [{ name: 'orders:read' }, { name: 'orders:write' }],
            accessTokenFormat: 'jwt',
          },
        ],
      },
    });
  });
  beforeEach(forget);
  after(async () => {
    pings.closeAllConnections();
    pings.close();
    await stand.close();
  });

  it('§7, §10.1 poll: the person signs in, sees who asks for what, allows, and the client gets tokens once', async () => {
    const { json: asked } = await ask({ binding_message: 'W4-11' });
    expect(asked.expires_in).to.equal(600);
    expect((await poll(asked.auth_req_id)).json.error).to.equal('authorization_pending');
    const { agent, page } = await signedIn();
    expect(page.body).to.include('The till').and.include('W4-11').and.include(stand.person.login);
    await agent.submit(page, { decision: 'allow' });
    const { status, json: tokens } = await poll(asked.auth_req_id);
    expect(status).to.equal(200);
    expect(tokens).to.include({ token_type: 'Bearer', scope: 'openid email' });
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString());
    expect(claims).to.include({ aud: 'till', acr: 'urn:castellan:acr:password' });
    const userinfo = async (headers: Record<string, string>) => {
      const answer = await fetch(`${stand.issuer}/userinfo`, {
        headers: { authorization: `Bearer ${tokens.access_token}`, ...headers },
      });
      return answer.headers.get('x-fapi-interaction-id');
    };
    const own = '9f3c1d20-6a5e-4c0e-8d2b-3f1a7b5c9e10';
    expect(await userinfo({ 'x-fapi-interaction-id': own })).to.equal(own);
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    expect(await userinfo({})).to.match(uuid);
    expect(await userinfo({ 'x-fapi-interaction-id': 'not one' })).to.match(uuid);
    expect((await poll(asked.auth_req_id)).json.error).to.equal('invalid_grant');
  });

  it('§10.2 ping: the client is called with its own token, and then comes for its tokens', async () => {
    received.length = 0;
    const { json: asked } = await ask({ client_notification_token: 'call-me-by-this' }, 'pinged');
    const { agent, page } = await signedIn();
    await agent.submit(page, { decision: 'allow' });
    for (let round = 0; round < 100 && received.length === 0; round += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received[0]?.authorization).to.equal('Bearer call-me-by-this');
    expect(JSON.parse(received[0]?.body ?? '')).to.deep.equal({ auth_req_id: asked.auth_req_id });
    expect((await poll(asked.auth_req_id, 'pinged')).status).to.equal(200);
  });

  it('§13 tells the client that the person refused', async () => {
    const { json: asked } = await ask();
    const { agent, page } = await signedIn();
    await agent.submit(page, { decision: 'deny' });
    expect((await poll(asked.auth_req_id)).json.error).to.equal('access_denied');
  });

  it('RFC 8707 grants what a resource offers, and CO-06 nothing beyond', async () => {
    const { json: asked } = await ask({ scope: 'openid orders:read orders:delete', resource: orders });
    const { agent, page } = await signedIn();
    expect(page.body).to.include('orders:read').and.not.include('orders:write');
    await agent.submit(page, { decision: 'allow' });
    const { json: tokens } = await poll(asked.auth_req_id, 'till', { resource: orders });
    const claims = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url').toString());
    expect(claims).to.include({ aud: orders, scope: 'orders:read' });
  });

  for (const [what, [fields, error]] of Object.entries<[Record<string, string>, string]>({
    'somebody nobody knows': [{ login_hint: 'nobody@example.test' }, 'unknown_user_id'],
    'two hints': [{ id_token_hint: 'a.b.c' }, 'invalid_request'],
    'a binding message that cannot be read on two devices': [{ binding_message: '<script>' }, 'invalid_binding_message'],
    'a user code': [{ user_code: '1234' }, 'invalid_request'],
    'a request without openid': [{ scope: 'email' }, 'invalid_request'],
  })) {
    it(`§13 refuses ${what}`, async () => {
      const { status, json } = await ask(fields);
      expect([status, json.error]).to.deep.equal([400, error]);
    });
  }

  it('§7.1 refuses a client without the grant, a wrong secret, and ping without a token to call with', async () => {
    expect((await ask({}, 'app')).json.error).to.match(/unauthorized_client|invalid_request/);
    const wrong = await createRelyingParty(stand, 'till').post(
      '/backchannel',
      { scope: 'openid' },
      { authorization: basic('till', 'x') },
    );
    expect(wrong.status).to.equal(401);
    expect((await ask({}, 'pinged')).json.error).to.equal('invalid_request');
  });

  it('refuses to flood a person: the sixth request is turned away and the others stay', async () => {
    const answers = [];
    for (let count = 0; count < 6; count += 1) answers.push(await ask());
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200, 400]);
    expect((await poll(answers[0]?.json.auth_req_id)).json.error).to.equal('authorization_pending');
    const { page } = await signedIn();
    expect(page.body.match(/href="\/approvals\/[0-9a-f-]{36}"/g)).to.have.length(5);
  });

  it('§11 is for the client that asked', async () => {
    const { json: asked } = await ask();
    expect((await poll(asked.auth_req_id, 'pinged')).json.error).to.equal('invalid_grant');
  });

  it('CO-08 needs the session, the form’s token and a decision; one answer counts', async () => {
    const { json: asked } = await ask();
    const { agent, page } = await signedIn();
    const { action, fields } = readForm(page);
    const send = (body: Record<string, string>, from = agent) =>
      from.request(action, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stand.issuer },
        body: new URLSearchParams(body).toString(),
      });
    expect((await send({ decision: 'allow' })).status).to.equal(403);
    expect((await send({ ...fields })).status).to.equal(400);
    expect((await agent.request(`${action}?decision=allow`)).status).to.equal(200);
    expect((await send({ decision: 'allow', ...fields }, createAgent(stand.issuer))).status).to.equal(403);
    expect((await poll(asked.auth_req_id)).json.error).to.match(/authorization_pending|slow_down/);
    const answers = await Promise.all([send({ ...fields, decision: 'allow' }), send({ ...fields, decision: 'allow' })]);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 404]);
  });
});
