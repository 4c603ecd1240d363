/** Owns: the pages of the account console (FEATURES A13); no rules of their own, the rooms' services decide. */
import type { PageRoutes } from '../platform/http/index.ts';
import { mountSecurityPages, type SecurityPageDeps } from './account/security/page.ts';
import { type AccountSessionDeps, createAccountSession } from './account/session/page.ts';
import { mountSocialPages, type SocialPageDeps } from './account/social/page.ts';

export type AccountConsoleDeps = AccountSessionDeps & Pick<SecurityPageDeps & SocialPageDeps, 'authn' | 'clock'>;

export const mountAccountConsole = (pages: PageRoutes, { authn, clock, ...deps }: AccountConsoleDeps): void => {
  const session = createAccountSession(deps);
  session.mount(pages);
  const { clientId } = deps.site;
  mountSecurityPages(pages, { authn, session, clock, clientId });
  mountSocialPages(pages, { authn, session, clientId });
};
