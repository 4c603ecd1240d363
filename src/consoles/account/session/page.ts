import { createHash, randomBytes } from 'node:crypto';
import type { BrowserSession, BrowserSessions } from '../../../oidc/index.ts';
import { acrOfLevel, type Level, levelOf, recentSeconds } from '../../../platform/assurance/index.ts';
import { ownPath, type PageContext, type PageRoutes } from '../../../platform/http/index.ts';
import type { House } from '../../../platform/ports.ts';

export interface AccountSessionDeps {
  sessions: Pick<BrowserSessions, 'current'>;
  site: { issuer: string; clientId: string; authorizationPath: string };
  /** Whose pages these are for the person; absent where they are the deployment's. */
  houseOf?(accountId: string, preferredId: string | undefined): Promise<House | undefined>;
}

const callbackPath = '/account/callback';
const consolePage = /^\/(?:account\/|admin(?:[/?]|$))/;

/**
 * The account's pages are a client like any other: who is not signed in, or not recently or strongly enough, goes through
 * `/authorize` and comes back. The session is what counts; the code that comes along is left to expire.
 */
export const createAccountSession = ({ sessions, site, houseOf }: AccountSessionDeps) => {
  const signIn = (page: PageContext, asked: Record<string, string>): undefined => {
    const url = new URL(site.authorizationPath, site.issuer);
    const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url');
    url.search = new URLSearchParams({
      client_id: site.clientId,
      redirect_uri: `${site.issuer}${callbackPath}`,
      response_type: 'code',
      scope: 'openid',
      state: page.ctx.method === 'GET' ? page.ctx.url : page.ctx.path,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...asked,
    }).toString();
    page.redirect(`${url.pathname}${url.search}`);
    return undefined;
  };

  const current = async (page: PageContext): Promise<BrowserSession | undefined> => {
    const { ctx, request: info, worn } = page;
    const session = await sessions.current({ req: ctx.req, res: ctx.res, info });
    if (session) page.wear(await houseOf?.(session.accountId, worn.house?.organizationId));
    return session;
  };

  return {
    mount: (pages: PageRoutes): void => {
      pages.get(callbackPath, async (page) => {
        const target = ownPath(page.query.state);
        // RU-05: back to a page of a console, wherever the address came from; a refused sign-in leads to the front door.
        const isOurs = consolePage.test(target ?? '') && !target?.startsWith(callbackPath);
        page.redirect(page.query.error === undefined ? (isOurs && target ? target : '/account') : '/');
      });
    },
    /** Whoever is signed in; `undefined` when the answer is the way to a sign-in. */
    person: async (page: PageContext): Promise<BrowserSession | undefined> => (await current(page)) ?? signIn(page, {}),
    /** MF-05: whoever has signed in recently, and at least at the level. */
    owner: async (page: PageContext, levelFor: (accountId: string) => Promise<Level>): Promise<BrowserSession | undefined> => {
      const session = await current(page);
      if (!session) return signIn(page, {});
      const level = await levelFor(session.accountId);
      // The core reckons in the machine's time, on both sides.
      const isOld = Date.now() - session.authenticatedAt.getTime() > recentSeconds * 1000;
      if (!isOld && levelOf(session.acr) >= level) return session;
      const wanted = level === 2 ? { acr_values: acrOfLevel[2] } : {};
      return signIn(page, isOld ? { ...wanted, prompt: 'login' } : wanted);
    },
  };
};

export type AccountSession = ReturnType<typeof createAccountSession>;
