import type { ProtocolPages } from '../../oidc/index.ts';
import type { PageOf } from '../../platform/http/index.ts';
import { formTargetOf, shownAs } from '../application.ts';
import { type Accounts, viewOfPerson } from '../consent/page.ts';

export interface LogoutDeps {
  pageOf: PageOf;
  accounts: Accounts;
}

/** OpenID Connect RP-Initiated Logout 1.0 §2: the person is asked, and told what has happened. */
export const createLogoutPages = ({
  pageOf,
  accounts,
}: LogoutDeps): Pick<ProtocolPages, 'logout' | 'logoutFrames' | 'loggedOut'> => ({
  logout: async (ctx, { action, xsrf, client, accountId, redirectUri }) => {
    const page = pageOf(ctx);
    const target = formTargetOf(redirectUri);
    if (target !== undefined) page.allowFormTarget(target);
    const claims = accountId === undefined ? undefined : (await accounts.find(accountId))?.claims;
    page.render('logout', {
      action,
      hidden: { xsrf },
      ...(client && shownAs(client, redirectUri)),
      account: claims && accountId !== undefined ? viewOfPerson(claims, accountId) : undefined,
      path: '/',
    });
  },
  logoutFrames: (ctx, { frames, continueTo }) => pageOf(ctx).render('logout-frames', { frames, continueTo, path: '/' }),
  loggedOut: (ctx, client) => {
    const key = client === undefined ? 'logout.done' : 'logout.stayed';
    const kind = client === undefined ? 'success' : 'info';
    pageOf(ctx).render('notice', { key, kind, links: [{ key: 'link.home', href: '/' }], path: '/' });
  },
});
