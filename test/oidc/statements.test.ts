import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type Agent, createAgent, passPages } from '../support/agent.ts';
import type { Engine } from '../support/database.ts';
import { describeWith } from '../support/services.ts';
import { type Stand, startStand } from '../support/stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const callback = 'https://app.example.test/callback';
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const authorization = `Basic ${Buffer.from(`app:${secret}`).toString('base64')}`;

const resource = (format: 'opaque' | 'jwt') => ({
  identifier: `urn:test:${format}`,
  name: format,
  scopes: ['work'],
  accessTokenFormat: format,
});

type Fields = Record<string, string>;

/** Statements of one request (PERFORMANCE.md, row 10), counted at the pool; BEGIN, COMMIT and SET do not count. */
const statementCounts = (engine: Engine): void => {
  let stand: Stand;
  let agent: Agent;
  let statements = 0;
  let stop: () => void;

  const post = async (path: string, fields: Fields): Promise<Fields> => {
    const init = { method: 'POST', headers: { authorization }, body: new URLSearchParams(fields) };
    const response = await fetch(`${stand.issuer}${path}`, init);
    expect(response.status).to.equal(200);
    return (await response.json()) as Fields;
  };

  const clientToken = (format: 'opaque' | 'jwt') =>
    post('/token', { grant_type: 'client_credentials', scope: 'work', resource: `urn:test:${format}` });

  const addressOf = (scope: string): string => {
    const query = { client_id: 'app', redirect_uri: callback, response_type: 'code', scope, nonce: 'n' };
    return `${stand.issuer}/authorize?${new URLSearchParams({ ...query, code_challenge: challenge, code_challenge_method: 'S256' })}`;
  };
  const codeOf = (location: string | null): string => new URL(location ?? '').searchParams.get('code') ?? '';

  const authorize = async (): Promise<string> => {
    const { status, headers } = await agent.open(addressOf('openid email'));
    expect(status).to.equal(303);
    return codeOf(headers.get('location'));
  };
  const redeem = (code: string) =>
    post('/token', { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier });
  const userToken = async (): Promise<string> => (await redeem(await authorize())).access_token ?? '';

  /** Background work (buffered audit events, jobs) only adds, and seldom: the least of several counts is the request's own. */
  const least = async <Input>(prepare: () => Promise<Input>, act: (input: Input) => Promise<unknown>): Promise<number> => {
    await act(await prepare());
    let found = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round += 1) {
      const input = await prepare();
      statements = 0;
      await act(input);
      found = Math.min(found, statements);
    }
    return found;
  };
  const nothing = async (): Promise<void> => undefined;
  const introspect = async (token: string): Promise<void> => {
    expect((await post('/introspect', { token })).active).to.equal(true);
  };

  before(async () => {
    stand = await startStand({
      engine,
      bootstrap: {
        clients: [
          {
            client_id: 'app',
            client_secret: secret,
            token_endpoint_auth_method: 'client_secret_basic',
            redirect_uris: [callback],
            response_types: ['code'],
            grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
          },
        ],
        resources: [resource('opaque'), resource('jwt')],
      },
    });
    stop = stand.database.onStatement(({ sql }) => {
      if (!/^(begin|commit|set)\b/i.test(sql)) statements += 1;
    });
    agent = createAgent(stand.issuer);
    await passPages(agent, await agent.open(addressOf('openid email')), stand.person);
  });
  after(async () => {
    stop();
    await stand.close();
  });

  it('client_credentials, opaque: 1, with its audit event', async () => {
    expect(await least(nothing, () => clientToken('opaque'))).to.equal(1);
  });
  it('client_credentials, JWT: 0', async () => {
    expect(await least(nothing, () => clientToken('jwt'))).to.equal(0);
  });
  it('introspection of a client token: at most 1', async () => {
    const token = async () => (await clientToken('opaque')).access_token ?? '';
    expect(await least(token, introspect)).to.be.at.most(1);
  });
  it('introspection of a user token: at most 1', async () => {
    expect(await least(userToken, introspect)).to.be.at.most(1);
  });
  it('userinfo: at most 2', async () => {
    const userinfo = async (token: string): Promise<void> => {
      const response = await fetch(`${stand.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
      expect(await response.json()).to.include.keys('sub', 'email');
    };
    expect(await least(userToken, userinfo)).to.be.at.most(2);
  });
  it('authorize with a live session: at most 4', async () => {
    expect(await least(nothing, authorize)).to.be.at.most(4);
  });
  it('code to tokens: at most 4', async () => {
    expect(await least(authorize, redeem)).to.be.at.most(4);
  });
  it('refresh with rotation: at most 4', async () => {
    const other = createAgent(stand.issuer);
    const offline = `${addressOf('openid offline_access')}&prompt=consent`;
    let token = (await redeem(codeOf(await passPages(other, await other.open(offline), stand.person)))).refresh_token ?? '';
    const refresh = async (): Promise<void> => {
      token = (await post('/token', { grant_type: 'refresh_token', refresh_token: token })).refresh_token ?? '';
      expect(token).to.not.equal('');
    };
    expect(await least(nothing, refresh)).to.be.at.most(4);
  });
};

describe('Row 10: statements of a request, embedded', () => statementCounts('embedded'));
describeWith(['postgres'], 'Row 10: statements of a request, PostgreSQL', () => statementCounts('postgres'));
