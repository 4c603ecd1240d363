import { randomBytes } from 'node:crypto';
import type { Provider } from 'oidc-provider';
import { hashOf } from '../adapters/index.ts';
import type { Clients } from '../clients/service.ts';
import { onBehalfParameter } from '../provider/interaction-policy.ts';
import { routes } from '../provider/routes.ts';
import type { BrowserSession, BrowserSessions } from '../surface.ts';

/** The client behind pages of our own that need somebody signed in. */
export const pagesClientId = 'castellan-pages';
/** Where a sign-in begins. */
export const authorizationPath = routes.authorization;

interface BrowserDeps {
  provider(): Provider;
  issuer: string;
}

/** Pages of ours where a person who had to sign in first comes back to. */
const returnPaths = ['/approvals', '/invitation', '/account/callback'];

export const ensurePagesClient = (clients: Pick<Clients, 'put'>, issuer: string): Promise<void> =>
  clients.put(
    {
      client_id: pagesClientId,
      client_name: 'Castellan',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: returnPaths.map((path) => `${issuer}${path}`),
      skip_consent: true,
    },
    'builtin',
    { isFirstParty: true },
  );

/** Who is signed in in a browser, for pages that are not steps of a sign-in; and the way to become so. */
export const createBrowserSessions = ({ provider, issuer }: BrowserDeps): BrowserSessions => ({
  current: async ({ req, res, info }): Promise<BrowserSession | undefined> => {
    const current = provider();
    const ctx = Object.assign(current.createContext(req, res), { info });
    const { accountId, acr, amr, loginTs, uid } = await current.Session.get(ctx);
    if (accountId === undefined) return undefined;
    return { accountId, acr, amr, uid, sessionUid: hashOf(uid), authenticatedAt: new Date((loginTs ?? 0) * 1000) };
  },
  // The code is never redeemed, so nobody needs to know the verifier: what counts is the session that the sign-in leaves.
  signInAddress: (path, wanted) => {
    const query = new URLSearchParams({
      client_id: pagesClientId,
      redirect_uri: `${issuer}${path}`,
      response_type: 'code',
      scope: 'openid',
      code_challenge: randomBytes(32).toString('base64url'),
      code_challenge_method: 'S256',
      ...(wanted ? { [onBehalfParameter]: wanted.onBehalfOf } : {}),
      ...(wanted?.acrValues?.length ? { acr_values: wanted.acrValues.join(' ') } : {}),
    });
    return `${routes.authorization}?${query}`;
  },
});
