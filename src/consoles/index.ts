/** Owns: the pages of the account console (FEATURES A13); no rules of their own, the rooms' services decide. */
import type { PageRoutes } from '../platform/http/index.ts';
import { type ApplicationsPageDeps, mountApplicationPages } from './account/applications/page.ts';
import { type AccountHomeDeps, mountAccountHome } from './account/home/page.ts';
import { type IdentifierPageDeps, mountIdentifierPages } from './account/identifiers/page.ts';
import { mountPasswordPage, type PasswordPageDeps } from './account/password/page.ts';
import { mountSecurityPages, type SecurityPageDeps } from './account/security/page.ts';
import { type AccountSessionDeps, createAccountSession } from './account/session/page.ts';
import { mountSessionPages, type SessionPageDeps } from './account/sessions/page.ts';
import { mountSocialPages, type SocialPageDeps } from './account/social/page.ts';

export type AccountConsoleDeps = AccountSessionDeps &
  Pick<SecurityPageDeps & SocialPageDeps & PasswordPageDeps & IdentifierPageDeps, 'authn' | 'clock'> &
  Pick<SessionPageDeps & PasswordPageDeps, 'devices' | 'endings'> &
  Pick<AccountHomeDeps, 'nameOf'> &
  Pick<ApplicationsPageDeps, 'applications' | 'accounts' | 'views'>;

export const mountAccountConsole = (pages: PageRoutes, deps: AccountConsoleDeps): void => {
  const { authn, clock, devices, endings, nameOf } = deps;
  const { clientId } = deps.site;
  const session = createAccountSession(deps);
  session.mount(pages);
  mountAccountHome(pages, { session, nameOf });
  mountIdentifierPages(pages, { authn, session, clock });
  mountPasswordPage(pages, { authn, endings, session, clock });
  mountSecurityPages(pages, { authn, session, clock, clientId });
  mountSocialPages(pages, { authn, session, clientId });
  mountSessionPages(pages, { devices, endings, session, neededLevel: authn.factors.neededLevel, clock });
  mountApplicationPages(pages, { ...deps, session });
};
