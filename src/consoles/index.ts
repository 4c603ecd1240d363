/** Owns: the pages of the account console (FEATURES A13); no rules of their own, the rooms' services decide. */
import type { PageRoutes } from '../platform/http/index.ts';
import { mountSecurityPages, type SecurityPageDeps } from './account/security/page.ts';
import { type AccountSessionDeps, createAccountSession } from './account/session/page.ts';

export type AccountConsoleDeps = AccountSessionDeps & Pick<SecurityPageDeps, 'authn' | 'clock'>;

export const mountAccountConsole = (pages: PageRoutes, { authn, clock, ...deps }: AccountConsoleDeps): void => {
  const session = createAccountSession(deps);
  session.mount(pages);
  mountSecurityPages(pages, { authn, session, clock });
};
