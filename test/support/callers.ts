/** Callers of our own API, each with a token. */
import { type ApiAnswer, createApi } from './api.ts';
import type { Stand } from './stand.ts';

const secret = 'an-enforcer-secret-of-at-least-thirty-two-characters';

/** Goes into the stand's bootstrap: a machine that may ask for decisions. */
export const enforcer = {
  client_id: 'enforcer',
  client_secret: secret,
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'authz',
};

/** One that registers what decisions look at. */
export const registrar = { ...enforcer, client_id: 'registrar', scope: 'authz_entities' };

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<ApiAnswer>;

/** Paths start behind `/api/v1`. */
export const callerWith = ({ issuer }: Pick<Stand, 'issuer'>, token: string | undefined): Call => {
  const api = createApi(() => issuer);
  return (method, path, body, headers) => api(method, path, body, token, headers);
};

export const personCalls = async (stand: Stand, email: string, password: string): Promise<Call> => {
  const { status, json } = await callerWith(stand, undefined)('POST', '/auth/login', { email, password });
  if (status !== 200) throw new Error(`no login for ${email}: ${status}`);
  return callerWith(stand, json.accessToken);
};

export const machineToken = async ({ issuer }: Pick<Stand, 'issuer'>, { client_id: id, scope } = enforcer): Promise<string> => {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource: issuer }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`);
  return answer.access_token;
};
