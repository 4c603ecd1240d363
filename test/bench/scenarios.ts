/** What a target is asked to do under load. The same requests for every target. */
import { type Client, createClient, expectStatus } from './http.ts';
import type { Target } from './targets.ts';
import { person, redirectUri, secret } from './world.ts';

export const connections = 16;
const form = 'application/x-www-form-urlencoded';
const authorization = `Basic ${Buffer.from(`bench:${secret}`).toString('base64')}`;
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

export interface Session {
  target: Target;
  client: Client;
  cookies: string[];
  /** One per connection, each with a grant of its own. */
  refreshTokens: string[];
}

const token = async ({ client }: Pick<Session, 'client'>, body: Record<string, string>): Promise<Record<string, string>> => {
  const answer = await client.send({
    method: 'POST',
    path: '/token',
    headers: { 'content-type': form, authorization },
    body: new URLSearchParams(body).toString(),
  });
  return JSON.parse(expectStatus(answer, 200, `token ${body.grant_type}`).body) as Record<string, string>;
};

export const clientToken = async (session: Session, format: 'opaque' | 'jwt'): Promise<string> => {
  const { access_token = '' } = await token(session, {
    grant_type: 'client_credentials',
    scope: 'bench',
    resource: `urn:bench:${format}`,
  });
  return access_token;
};

const authorizePath = `/authorize?${new URLSearchParams({
  client_id: 'bench',
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid email',
  code_challenge: challenge,
  code_challenge_method: 'S256',
})}`;

const redeem = (session: Pick<Session, 'client'>, location: string | undefined): Promise<Record<string, string>> => {
  const code = location === undefined ? null : new URL(location, redirectUri).searchParams.get('code');
  if (!code) throw new Error(`authorize answered ${location}`);
  return token(session, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier });
};

/** authorize → code → token. */
export const codeFlow = async (session: Session, lane: number): Promise<Record<string, string>> => {
  const headers = { cookie: session.cookies[lane] ?? '', accept: 'text/html' };
  const answer = expectStatus(await session.client.send({ path: authorizePath, headers }), 303, 'authorize');
  return await redeem(session, answer.location);
};

/** One signed-in browser and one refresh token per connection. */
export const openSession = async (target: Target): Promise<Session> => {
  const client = createClient(target.origin, connections);
  const session: Session = { target, client, cookies: [], refreshTokens: [] };
  for (let lane = 0; lane < connections; lane += 1) {
    const { cookie, location } = await target.signIn(challenge);
    session.cookies.push(cookie);
    session.refreshTokens.push((await redeem(session, location)).refresh_token ?? '');
  }
  return session;
};

const introspect = async ({ client, target }: Session, value: string): Promise<void> => {
  const answer = await client.send({
    method: 'POST',
    path: target.introspection,
    headers: { 'content-type': form, authorization },
    body: `token=${value}`,
  });
  if (!expectStatus(answer, 200, 'introspection').body.includes('"active":true')) throw new Error(`not active: ${answer.body}`);
};

export interface Scenario {
  name: string;
  /** Answered without asking anything of a database. */
  isFromMemory?: boolean;
  prepare(session: Session): Promise<(lane: number) => Promise<unknown>>;
}

const pool = async (count: number, make: (index: number) => Promise<string>): Promise<(lane: number) => string> => {
  const values: string[] = [];
  for (let index = 0; index < count; index += 1) values.push(await make(index));
  let next = 0;
  return () => values[next++ % values.length] ?? '';
};

const staticGet = (name: string, path: string): Scenario => ({
  name,
  isFromMemory: true,
  prepare:
    async ({ client }) =>
    async () =>
      expectStatus(await client.send({ path }), 200, path),
});

const userToken = async (session: Session, index: number): Promise<string> =>
  (await codeFlow(session, index % connections)).access_token ?? '';

export const scenarios = {
  discovery: staticGet('discovery', '/.well-known/openid-configuration'),
  jwks: staticGet('jwks', '/jwks'),
  clientCredentialsOpaque: {
    name: 'client_credentials opaque',
    prepare: async (session) => () => clientToken(session, 'opaque'),
  },
  clientCredentialsJwt: { name: 'client_credentials JWT', prepare: async (session) => () => clientToken(session, 'jwt') },
  introspectClient: {
    name: 'introspection of a client token',
    prepare: async (session) => {
      const next = await pool(256, () => clientToken(session, 'opaque'));
      return (lane) => introspect(session, next(lane));
    },
  },
  introspectUser: {
    name: 'introspection of a user token',
    prepare: async (session) => {
      const next = await pool(128, (index) => userToken(session, index));
      return (lane) => introspect(session, next(lane));
    },
  },
  userinfo: {
    name: 'userinfo',
    prepare: async (session) => {
      const next = await pool(128, (index) => userToken(session, index));
      return async (lane) => {
        const headers = { authorization: `Bearer ${next(lane)}` };
        return expectStatus(await session.client.send({ path: '/userinfo', headers }), 200, 'userinfo');
      };
    },
  },
  login: {
    name: 'login',
    prepare:
      async ({ client }) =>
      async () => {
        const headers = { 'content-type': 'application/json' };
        const answer = await client.send({ method: 'POST', path: '/api/v1/auth/login', headers, body: JSON.stringify(person) });
        return expectStatus(answer, 200, 'login');
      },
  },
  codeFlow: { name: 'authorize → code → token', prepare: async (session) => (lane) => codeFlow(session, lane) },
  refresh: {
    name: 'refresh with rotation',
    prepare: async (session) => {
      const current = session.refreshTokens;
      return async (lane) => {
        const answer = await token(session, { grant_type: 'refresh_token', refresh_token: current[lane] ?? '' });
        current[lane] = answer.refresh_token ?? '';
      };
    },
  },
} satisfies Record<string, Scenario>;
