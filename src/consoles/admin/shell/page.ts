import type { RouteCaller } from '../../../authz/index.ts';
import type { BrowserSession } from '../../../oidc/index.ts';
import { pagesClientId } from '../../../oidc/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors } from '../../../platform/errors/index.ts';
import { ownPath, type PageContext, type PageRoutes } from '../../../platform/http/index.ts';
import type { AuditBuffer, Clock, Guard, PermissionScope, Principal } from '../../../platform/ports.ts';
import type { AccountSession } from '../../account/session/page.ts';
import { type Problem, shownProblem } from './problems.ts';
import { type Section, sections } from './sections.ts';

type Permission = Section['permission'];

export interface AdminShellDeps {
  session: Pick<AccountSession, 'person'>;
  guard: Guard;
  /** The guard's answer without a trace. */
  holds(
    principal: Principal,
    permission: string,
  ): Promise<{ scope: PermissionScope; organizationIds: readonly string[] } | undefined>;
  audit: AuditBuffer;
  clock: Clock;
  nameOf(accountId: string): Promise<{ name: string | undefined; login: string | undefined }>;
  /** Names of the organizations that the caller may read, by id; none where they are too many to choose from. */
  placesOf(caller: RouteCaller): Promise<Record<string, string>>;
}

/** Somebody who may see the page, with the reach of the permission it asks for. */
export interface AdminPage extends PageContext {
  caller: RouteCaller;
  /** Names of the organizations that the person may read, by id. */
  places: Record<string, string>;
  /** How far the person holds another permission, without a trace; `undefined` where not even in one organization. */
  reach(permission: Permission, everywhere?: boolean): Promise<RouteCaller | undefined>;
  /** Whether the person holds another permission, for what the page offers; the act itself is judged anew. */
  may(permission: Permission, everywhere?: boolean): Promise<boolean>;
  /** Renders `views/admin/<template>.njk` within the console. */
  show(template: string, values: Record<string, unknown> & { problem?: Problem | undefined }, status?: number): void;
  /** After a change: back to a page, which tells what was done and where its events are. @param done word of `admin.done.<word>` */
  receipt(path: string, done: string): void;
}

/** What a page asks of who opens it; as in the route table. */
export interface Access {
  permission: Permission;
  everywhere?: true;
  /** The path parameter that is the id of the person whom the page is about. */
  person?: string;
}

type Handler = (admin: AdminPage) => Promise<void>;

export interface AdminShell {
  get(path: string, access: Access, handler: Handler): void;
  post(path: string, access: Access, handler: Handler): void;
  /** For whoever may see any list at all. */
  home(path: string, handler: (admin: Omit<AdminPage, 'caller'>) => Promise<void>): void;
}

const themeCookie = 'castellan_theme';
const themes = ['light', 'dark'];
const yearSeconds = 31_536_000;
// Also for who holds it only for what is one's own: that is the account's business, not administration.
const isWide = (reach: PermissionScope | undefined): boolean => reach === 'any' || reach === 'organization';

const principalOf = ({ accountId, sessionUid, acr, amr, authenticatedAt }: BrowserSession): Principal => ({
  type: 'user',
  id: accountId,
  clientId: pagesClientId,
  scopes: new Set(['api']),
  roles: [],
  sessionId: sessionUid,
  acr,
  amr,
  authTime: Math.floor(authenticatedAt.getTime() / 1000),
});

/**
 * The frame of the administration (FEATURES O8): who it is, what they may see, navigation, and the words after a change. Pages call
 * the rooms' services with the caller, as the routes of the API do; they hold no rules.
 */
export const createAdminShell = (pages: PageRoutes, deps: AdminShellDeps): AdminShell => {
  const { session, guard, holds, audit, clock, nameOf, placesOf } = deps;

  const reachOf =
    (principal: Principal): AdminPage['reach'] =>
    async (permission, everywhere) => {
      const held = await holds(principal, permission);
      if (!held || !isWide(held.scope) || (everywhere && held.scope !== 'any')) return undefined;
      return { principal, reach: held.scope, organizationIds: held.organizationIds };
    };

  const visibleTo = async (may: AdminPage['may']): Promise<Section[]> => {
    const seen: Section[] = [];
    for (const section of sections) if (await may(section.permission, section.everywhere)) seen.push(section);
    return seen;
  };

  const refuse = (principal: Principal, permission: string, route: string): never => {
    const actor = { type: principal.type, id: principal.id };
    const details = { permission, route };
    audit.note({ type: 'api.denied', outcome: 'denied', actor, clientId: pagesClientId, reason: 'permission_required', details });
    throw errors.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  const frame = async (page: PageContext, principal: Principal, route: string): Promise<Omit<AdminPage, 'caller'>> => {
    const reach = reachOf(principal);
    const may: AdminPage['may'] = async (...asked) => (await reach(...asked)) !== undefined;
    const nav = await visibleTo(may);
    if (nav.length === 0) refuse(principal, sections[0]?.permission ?? '', route);
    const current = nav.find(({ path }) => page.ctx.path === path || page.ctx.path.startsWith(`${path}/`))?.name ?? 'overview';
    const theme = themes.find((one) => one === page.request.cookie(themeCookie));
    const reader = await reach('organization:read');
    const places = reader ? await placesOf(reader) : {};
    const { done, receipt } = page.query;
    const canAudit = nav.some(({ name }) => name === 'audit');
    const shared = { nav, current, theme, person: await nameOf(principal.id), now: clock.now(), places, done, receipt, canAudit };
    return {
      ...page,
      places,
      reach,
      may,
      show: (template, { problem, ...values }, status) => {
        const shown = problem === undefined ? undefined : shownProblem(problem, page.form);
        page.render(`admin/${template}`, { ...shared, ...values, problem: shown }, status);
      },
      receipt: (path, word) =>
        page.redirect(
          `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ done: word, receipt: page.request.correlationId })}`,
        ),
    };
  };

  const gate = async (principal: Principal, { permission, everywhere, person }: Access, page: PageContext, route: string) => {
    const about = person === undefined ? undefined : page.params[person];
    const reach = await guard.reach(principal, permission, about);
    if (reach === undefined || !isWide(reach) || (everywhere && reach !== 'any')) return refuse(principal, permission, route);
    const organizationIds = reach === 'organization' ? await guard.organizations(principal, permission, about) : [];
    return { principal, reach, organizationIds };
  };

  const guarded = (route: string, access: Access, handler: Handler) => async (page: PageContext) => {
    const browser = await session.person(page);
    if (!browser) return;
    if (page.params.id !== undefined && !isUuid(page.params.id)) throw errors.not_found();
    const principal = principalOf(browser);
    const caller = await gate(principal, access, page, route);
    await handler({ ...(await frame(page, principal, route)), caller });
  };

  pages.get('/admin/theme', async (page) => {
    const value = themes.find((one) => one === page.query.to) ?? '';
    page.keepCookie({ name: themeCookie, value, seconds: value === '' ? 0 : yearSeconds });
    page.redirect(ownPath(page.query.back) ?? '/admin');
  });

  return {
    get: (path, access, handler) => pages.get(path, guarded(path, access, handler)),
    post: (path, access, handler) => pages.post(path, guarded(path, access, handler)),
    home: (path, handler) =>
      pages.get(path, async (page) => {
        const browser = await session.person(page);
        if (browser) await handler(await frame(page, principalOf(browser), path));
      }),
  };
};
