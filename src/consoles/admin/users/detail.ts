import { type AuditReader, eventView } from '../../../audit/index.ts';
import type { Authn } from '../../../authn/index.ts';
import { type AuthzServices, assignmentView, callerOf, userPermissionView } from '../../../authz/index.ts';
import type { Directory } from '../../../identity/index.ts';
import type { Sessions } from '../../../sessions/index.ts';
import { createNames, type NameDeps } from '../audit/names.ts';
import { shownEvent } from '../audit/words.ts';
import type { AdminPage } from '../shell/page.ts';

export interface UserDetailDeps extends NameDeps {
  directory: Pick<Directory, 'users' | 'groups' | 'organizations'>;
  services: Pick<AuthzServices, 'assignments' | 'grants' | 'policies'>;
  events: AuditReader;
  devices: Pick<Sessions['devices'], 'list'>;
  factors: Pick<Authn['factors'], 'list'>;
}

type Caller = ReturnType<typeof callerOf>;
type Part = (admin: AdminPage, userId: string) => Promise<Record<string, unknown>>;

const sessionsShown = 20;
const eventsShown = { overview: 5, activity: 50 };
const tabs = ['overview', 'access', 'activity'] as const;
export type UserTab = (typeof tabs)[number];

export const userTabOf = ({ query }: AdminPage): UserTab => tabs.find((tab) => tab === query.tab) ?? 'overview';
export const userTabs = (base: string) =>
  tabs.map((name) => ({ name, href: name === 'overview' ? base : `${base}?tab=${name}` }));

/** What a tab shows of somebody, each part for who may read it by itself. */
export const createUserDetail = (deps: UserDetailDeps): Record<UserTab, Part> => {
  const names = createNames(deps);

  const reader = async <Row>(
    admin: AdminPage,
    permission: 'role:read' | 'permission:read',
    read: (caller: Caller) => Promise<Row[]>,
  ) => {
    const held = await admin.reach(permission);
    return held ? await read(callerOf(held)) : [];
  };

  const happened = async (admin: AdminPage, userId: string, limit: number) => {
    const held = await admin.reach('audit:read');
    if (!held) return undefined;
    const rows = await deps.events.list(callerOf(held).scope, { person: userId, kind: 'notable' }, limit, undefined);
    const items = rows.map(eventView);
    const nameOf = await names(admin, items);
    return items.map((item) => shownEvent(item, nameOf));
  };

  return {
    overview: async (admin, userId) => ({
      factors: (await admin.may('mfa:read', true)) ? await deps.factors.list(userId) : undefined,
      sessions: (await admin.may('session:read', true)) ? await deps.devices.list(userId, sessionsShown, undefined) : undefined,
      happened: await happened(admin, userId, eventsShown.overview),
    }),
    access: async (admin, userId) => ({
      assignments: (await reader(admin, 'role:read', (caller) => deps.services.assignments.ofUser(caller, userId))).map(
        assignmentView,
      ),
      direct: (await reader(admin, 'permission:read', (caller) => deps.services.grants.ofUser(caller, userId))).map(
        userPermissionView,
      ),
    }),
    activity: async (admin, userId) => ({ happened: await happened(admin, userId, eventsShown.activity) }),
  };
};
