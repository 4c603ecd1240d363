import { createAgent, passPages } from './agent.ts';
import type { Stand } from './stand.ts';

const callback = 'https://console.example.test/callback';
const secret = 'a-console-secret-of-at-least-thirty-two-characters';
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))).toString('base64url');
const basic = (clientId: string): string => `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;

/** Goes into the stand's bootstrap: a first-party application that may call our API, and a machine that may ask for decisions. */
export const consoleClients = [
  {
    client_id: 'console',
    client_secret: secret,
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  },
  {
    client_id: 'enforcer',
    client_secret: secret,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'authz api',
  },
];

/** Our own API as a resource, where the start does not make it. */
export const apiResource = async ({ database, issuer }: Stand): Promise<void> => {
  if (await database.knex('resources').where({ identifier: issuer }).first('id')) return;
  const now = new Date();
  await database.knex('resources').insert({
    id: '01890000-0000-7000-8000-0000000000ff',
    identifier: issuer,
    name: 'Castellan',
    scopes: JSON.stringify([{ name: 'api' }, { name: 'authz' }]),
    access_token_format: 'opaque',
    introspection_clients: JSON.stringify([]),
    source: 'builtin',
    created_at: now,
    updated_at: now,
  });
};

const tokenRequest = async ({ issuer }: Stand, clientId: string, fields: Record<string, string>): Promise<string> => {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: basic(clientId) },
    body: new URLSearchParams({ ...fields, resource: issuer }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`);
  return answer.access_token;
};

/** An access token for our own API, by the pages a person would see. */
export const personToken = async (stand: Stand, login: string, password: string, scope = 'openid api'): Promise<string> => {
  const url = new URL(`${stand.issuer}/authorize`);
  url.search = new URLSearchParams({
    client_id: 'console',
    redirect_uri: callback,
    response_type: 'code',
    scope,
    resource: stand.issuer,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString();
  const agent = createAgent(stand.issuer);
  const back = new URL(await passPages(agent, await agent.open(url.href), { login, password }));
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${back.href}`);
  return tokenRequest(stand, 'console', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback,
    code_verifier: verifier,
  });
};

export const machineToken = (stand: Stand, scope = 'authz'): Promise<string> =>
  tokenRequest(stand, 'enforcer', { grant_type: 'client_credentials', scope });

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, looked into by assertions
type Json = any;

export interface ApiAnswer {
  status: number;
  headers: Headers;
  json: Json;
}

export type Api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<ApiAnswer>;

/** Calls of one caller. */
export const createApi =
  ({ issuer }: Pick<Stand, 'issuer'>, token: string | undefined): Api =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(`${issuer}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
  };
