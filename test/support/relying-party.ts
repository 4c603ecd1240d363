import { decodeJwt } from 'jose';
import { type Agent, createAgent, type Page, readForm } from './agent.ts';
import type { Stand } from './stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const callback = 'https://app.example.test/callback';
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))).toString('base64url');

/** Registration of a confidential client that signs people in. */
export const relyingClient = (clientId: string, redirectUri = callback): Record<string, unknown> => ({
  client_id: clientId,
  client_secret: secret,
  client_name: clientId,
  redirect_uris: [redirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'client_secret_basic',
});

/** Where a sign-in for the client begins. */
export const authorizationUrl = (
  stand: Pick<Stand, 'issuer'>,
  clientId: string,
  parameters: Record<string, string> = {},
): string => {
  const url = new URL(`${stand.issuer}/authorize`);
  const base = { client_id: clientId, redirect_uri: callback, response_type: 'code', scope: 'openid', nonce: 'n' };
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  url.search = new URLSearchParams({ ...base, ...pkce, ...parameters }).toString();
  return url.href;
};

/** The ID token's claims for an authorization code. */
export const claimsFor = async (
  stand: Pick<Stand, 'issuer'>,
  clientId: string,
  code: string,
  redirectUri = callback,
): Promise<Record<string, unknown>> => {
  const response = await fetch(`${stand.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
  const { id_token: idToken } = (await response.json()) as { id_token: string };
  return decodeJwt(idToken);
};

export interface RelyingParty {
  /** Begins a sign-in; the page that the person sees first. */
  begin(agent: Agent, parameters?: Record<string, string>): Promise<Page>;
  /** Passes consent where it is asked, takes the code, and gets the ID token's claims; an error response as it is. */
  end(agent: Agent, page: Page): Promise<Record<string, unknown>>;
}

/** A relying party over HTTP, for tests that look at what the ID token says. */
export const relyingParty = (stand: Stand, clientId = 'app'): RelyingParty => ({
  begin: (agent, parameters = {}) => agent.open(authorizationUrl(stand, clientId, parameters)),
  end: async (agent, first) => {
    let page = first;
    if (page.status === 200 && readForm(page).buttons.some(({ name }) => name === 'decision')) {
      page = await agent.submit(page, { decision: 'allow' });
    }
    const location = page.headers.get('location');
    if (location === null) throw new Error(`the sign-in did not end: ${page.url} (${page.status})`);
    const answer = Object.fromEntries(new URL(location, page.url).searchParams);
    if (answer.code === undefined) return answer;
    return claimsFor(stand, clientId, answer.code);
  },
});

/** A browser of its own for one person. */
export const browserOf = (stand: Stand): Agent => createAgent(stand.issuer);
