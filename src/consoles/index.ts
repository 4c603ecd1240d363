/** Owns: the pages of the account console (FEATURES A13) and of the administration (O8); no rules of their own, the rooms' services decide. */
import type { AuthzServices } from '../authz/index.ts';
import type { Directory } from '../identity/index.ts';
import type { PageRoutes } from '../platform/http/index.ts';
import { type ApplicationsPageDeps, mountApplicationPages } from './account/applications/page.ts';
import { type AccountHomeDeps, mountAccountHome } from './account/home/page.ts';
import { type IdentifierPageDeps, mountIdentifierPages } from './account/identifiers/page.ts';
import { mountPasswordPage, type PasswordPageDeps } from './account/password/page.ts';
import { mountSecurityPages, type SecurityPageDeps } from './account/security/page.ts';
import { type AccountSessionDeps, createAccountSession } from './account/session/page.ts';
import { mountSessionPages, type SessionPageDeps } from './account/sessions/page.ts';
import { mountSocialPages, type SocialPageDeps } from './account/social/page.ts';
import { type AuditPageDeps, mountAuditPages } from './admin/audit/page.ts';
import { type ClientPageDeps, mountClientPages } from './admin/clients/page.ts';
import { type DecisionPageDeps, mountDecisionPages } from './admin/decisions/page.ts';
import { mountDutyPages } from './admin/duties/page.ts';
import { mountGroupPages } from './admin/groups/page.ts';
import { type KeyPageDeps, mountKeyPages } from './admin/keys/page.ts';
import { mountOrganizationPages } from './admin/organizations/page.ts';
import { mountOverview } from './admin/overview/page.ts';
import { createWatches, type WatchDeps } from './admin/overview/watches.ts';
import { mountPolicyPages } from './admin/policies/page.ts';
import { mountResourcePages, type ResourcePageDeps } from './admin/resources/page.ts';
import { mountRolePages } from './admin/roles/page.ts';
import { type AdminShellDeps, createAdminShell } from './admin/shell/page.ts';
import { mountUserPages, type UserPageDeps } from './admin/users/page.ts';

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
  mountPasswordPage(pages, { authn, endings, session, nameOf, clock });
  mountSecurityPages(pages, { authn, session, clock, clientId });
  mountSocialPages(pages, { authn, session, clientId });
  mountSessionPages(pages, { devices, endings, session, neededLevel: authn.factors.neededLevel, clock });
  mountApplicationPages(pages, { ...deps, session });
};

export type AdminConsoleDeps = AccountSessionDeps &
  Omit<AdminShellDeps, 'session'> &
  Omit<WatchDeps, 'duties'> &
  AuditPageDeps &
  DecisionPageDeps &
  ClientPageDeps &
  ResourcePageDeps &
  Pick<UserPageDeps, 'devices' | 'factors'> &
  KeyPageDeps & { directory: Directory; services: AuthzServices; idOfLogin(login: string): Promise<string | undefined> };

export const mountAdminConsole = (pages: PageRoutes, deps: AdminConsoleDeps): void => {
  const { services, idOfLogin } = deps;
  const shell = createAdminShell(pages, { ...deps, session: createAccountSession(deps) });
  mountOverview(shell, createWatches({ ...deps, duties: services.duties }));
  mountUserPages(shell, deps);
  mountOrganizationPages(shell, deps);
  mountGroupPages(shell, { ...deps, grants: services.grants });
  mountRolePages(shell, { services, idOfLogin });
  mountPolicyPages(shell, services);
  mountDecisionPages(shell, deps);
  mountDutyPages(shell, { ...deps, duties: services.duties });
  mountClientPages(shell, deps);
  mountResourcePages(shell, deps);
  mountKeyPages(shell, deps);
  mountAuditPages(shell, deps);
};
