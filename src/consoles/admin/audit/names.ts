import type { EventView } from '../../../audit/index.ts';
import { type AuthzServices, callerOf } from '../../../authz/index.ts';
import { type Directory, viewOfUserRecord } from '../../../identity/index.ts';
import { type Clients, managerOf } from '../../../oidc/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import type { AdminPage } from '../shell/page.ts';

export interface NameDeps {
  directory: Pick<Directory, 'users' | 'groups' | 'organizations'>;
  services: Pick<AuthzServices, 'policies'>;
  clients: Pick<Clients['admin'], 'list'>;
}

/** Somebody or something of the log: its name as far as the reader may know it, and its page. */
export interface Thing {
  type: string;
  id: string | null;
  name: string | undefined;
  href: string | undefined;
}

type Reference = Pick<Thing, 'type' | 'id'>;
type Names = ReadonlyMap<string, string>;

const pages: Record<string, string> = {
  user: '/admin/users/',
  client: '/admin/clients/',
  role: '/admin/roles/',
  group: '/admin/groups/',
  organization: '/admin/organizations/',
  policy: '/admin/policies/',
  'sod-rule': '/admin/duties/',
  resource: '/admin/resources/',
};
const policiesKnown = 200;

/** Whom and what an event speaks of. */
export const referencesOf = (event: EventView): Reference[] => [
  event.actor,
  ...(event.target ? [event.target] : []),
  { type: 'user', id: event.subjectId },
  { type: 'client', id: event.clientId },
  { type: 'organization', id: event.organizationId },
];

/** The name that a thing had at the event: it may have another today, or be gone. */
const recordedName = ({ target, before, after, details }: EventView): string | undefined => {
  const said = details as { role?: unknown; permission?: unknown; rule?: unknown } | null;
  const known = [(after as { name?: unknown } | null)?.name, (before as { name?: unknown } | null)?.name];
  if (target?.type === 'role') known.push(said?.role);
  if (target?.type === 'permission') known.push(said?.permission);
  if (target?.type === 'sod-rule') known.push(said?.rule);
  if (target?.type === 'resource' || target?.type === 'key') known.push(target.id);
  return known.find((name): name is string => typeof name === 'string');
};

/** Names for a page of the log. Each kind for who may read it by itself: an event may speak of somebody its reader does not know (TN-03). */
export const createNames = ({ directory, services, clients }: NameDeps) => {
  const readers: Record<string, (admin: AdminPage, ids: string[]) => Promise<[string, string][]>> = {
    user: async (admin, ids) => {
      const held = await admin.reach('user:read');
      const found = held ? await directory.users.list(callerOf(held), { ids: ids.filter(isUuid) }, ids.length, undefined) : [];
      return found.map(viewOfUserRecord).map(({ id, name, email }) => [id, name ?? email ?? id]);
    },
    group: async (admin, ids) => {
      const held = await admin.reach('group:read');
      const found = held ? await directory.groups.list(callerOf(held), { ids: ids.filter(isUuid) }, ids.length, undefined) : [];
      return found.map(({ id, name }) => [id, name]);
    },
    client: async (admin, ids) => {
      const held = await admin.reach('client:read');
      if (!held) return [];
      const { organizationIds } = managerOf(held);
      const found = await clients.list({ ids, organizationIds }, ids.length, undefined);
      return found.map(({ id, client_name: name }) => [id, typeof name === 'string' ? name : id]);
    },
    policy: async (admin) => {
      const held = await admin.reach('policy:read');
      const found = held ? await services.policies.list(callerOf(held), policiesKnown, undefined) : [];
      return found.map(({ id, name }) => [id, name]);
    },
  };

  const read = async (admin: AdminPage, events: readonly EventView[]): Promise<Map<string, Names>> => {
    const names = new Map<string, Names>([['organization', new Map(Object.entries(admin.places))]]);
    const references = events.flatMap(referencesOf);
    for (const [type, reader] of Object.entries(readers)) {
      const ids = references.flatMap((one) => (one.type === type && one.id !== null ? [one.id] : []));
      if (ids.length > 0) names.set(type, new Map(await reader(admin, [...new Set(ids)])));
    }
    return names;
  };

  return async (admin: AdminPage, events: readonly EventView[]) => {
    const names = await read(admin, events);
    return (event: EventView, { type, id }: Reference): Thing => {
      const isTarget = event.target?.type === type && event.target.id === id;
      const known = id === null ? undefined : names.get(type)?.get(id);
      const page = pages[type];
      const href = page === undefined || id === null ? undefined : `${page}${encodeURIComponent(id)}`;
      return { type, id, name: known ?? (isTarget ? recordedName(event) : undefined), href };
    };
  };
};

export type NameOf = Awaited<ReturnType<ReturnType<typeof createNames>>>;
