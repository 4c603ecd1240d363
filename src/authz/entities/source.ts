/**
 * What applications registered, as decisions read it: cached, also that there is nothing, so that a warm decision asks no statement.
 * A type that nobody registered anything of is known to be empty.
 */
import type { Caches } from '../../platform/cache/index.ts';
import { type Database, setTenants, type TenantScope } from '../../platform/db/index.ts';
import { createEntityRepository, type EntityRepository, type EntityRow } from './repository.ts';

/** Plain data: it goes through caches. */
export interface Entity {
  key: string;
  type: string;
  id: string;
  organizationId: string | null;
  attributes: Record<string, unknown>;
  userId: string | null;
}

export const entityTags = {
  types: 'entity-types',
  one: (type: string, id: string): string => `entity:${type}:${id}`,
};

const entityOf = (row: EntityRow): Entity => ({
  key: row.id,
  type: row.type,
  id: row.entity_id,
  organizationId: row.organization_id,
  // Where an object is an organization's, its attribute says so whatever was registered.
  attributes: { ...row.attributes, ...(row.organization_id !== null && { organizationId: row.organization_id }) },
  userId: row.user_id,
});

export interface EntitySource {
  /** The deployment's own, or of one of these organizations; the latter first. */
  find(type: string, id: string, organizationIds: readonly string[]): Promise<Entity | undefined>;
  page(type: string, scope: TenantScope, limit: number, after: string | undefined): Promise<Entity[]>;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: nothing with one can be registered, and tags must not have one
const unregistrable = /[\x00-\x1f\x7f]/;

export const createEntitySource = ({ database, caches }: { database: Database; caches: Pick<Caches, 'cache'> }): EntitySource => {
  const types = caches.cache<string[]>({ name: 'authz-entity-types', l1Seconds: 60, l2Seconds: 300, maxEntries: 1 });
  const named = caches.cache<Entity[]>({ name: 'authz-entities', l1Seconds: 60, l2Seconds: 300, maxEntries: 20_000 });

  const reading = <Result>(work: (entities: EntityRepository) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      return await work(createEntityRepository(trx));
    });

  const loadTypes = async () => ({ value: await reading((entities) => entities.types()), tags: [entityTags.types] });

  return {
    find: async (type, id, organizationIds) => {
      if (unregistrable.test(type) || unregistrable.test(id)) return undefined;
      if (!(await types.get('all', loadTypes))?.includes(type)) return undefined;
      const all = await named.get(`${type}\n${id}`, async () => ({
        value: (await reading((entities) => entities.named(type, id))).map(entityOf),
        tags: [entityTags.one(type, id)],
      }));
      return (
        all?.find(({ organizationId }) => organizationId !== null && organizationIds.includes(organizationId)) ??
        all?.find(({ organizationId }) => organizationId === null)
      );
    },
    page: async (type, scope, limit, after) =>
      (await reading((entities) => entities.page({ type }, scope, limit, after))).map(entityOf),
  };
};
