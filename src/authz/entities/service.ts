import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import { organizationFor } from '../rbac/roles.ts';
import type { Caller, InWork, Work } from '../rbac/transaction.ts';
import { createEntityRepository, type EntityFilter, type EntityRow } from './repository.ts';
import type { EntitiesInput, EntityView } from './schema.ts';
import { entityTags } from './source.ts';

const maxAttributeBytes = 16_384;

const problemsOf = ({ entities }: EntitiesInput): { path: string; message: string }[] => {
  const seen = new Set<string>();
  return entities.flatMap(({ type, id, attributes = {} }, index) => {
    const name = `${type}\n${id}`;
    const isSecond = seen.has(name);
    seen.add(name);
    const isLarge = Buffer.byteLength(JSON.stringify(attributes)) > maxAttributeBytes;
    return [
      ...(isSecond ? [{ path: `/entities/${index}`, message: 'is there twice' }] : []),
      ...(isLarge ? [{ path: `/entities/${index}/attributes`, message: `are more than ${maxAttributeBytes} bytes` }] : []),
    ];
  });
};

export const entityView = (row: EntityRow): EntityView => ({
  key: row.id,
  type: row.type,
  id: row.entity_id,
  organizationId: row.organization_id,
  attributes: row.attributes,
  userId: row.user_id,
  updatedAt: row.updated_at.toISOString(),
});

export const createEntities = (inWork: InWork) => {
  /** An account that the caller may not know of is like none (TN-01). */
  const requirePeople = async (work: Work, { scope }: Caller, { entities }: EntitiesInput): Promise<void> => {
    const asked = [...new Set(entities.flatMap(({ userId }) => userId ?? []))];
    if (asked.length === 0) return;
    const known = new Set(await createEntityRepository(work.trx).people(asked, scope));
    const problems = entities.flatMap(({ userId }, index) =>
      userId === undefined || known.has(userId) ? [] : [{ path: `/entities/${index}/userId`, message: 'is no account' }],
    );
    if (problems.length > 0) throw errors.entity_invalid({ errors: problems });
  };

  return {
    list: (caller: Caller, filter: EntityFilter, limit: number, after: string | undefined): Promise<EntityRow[]> =>
      inWork(caller, (work) => createEntityRepository(work.trx).page(filter, caller.scope, limit, after)),
    /**
     * Registers or replaces up to a thousand, by type and id, for the deployment or for one organization.
     * @throws entity_invalid naming each place, organization_not_found
     */
    put: (caller: Caller, input: EntitiesInput): Promise<{ registered: number }> => {
      const problems = problemsOf(input);
      if (problems.length > 0) throw errors.entity_invalid({ errors: problems });
      return inWork(caller, async (work) => {
        const organizationId = organizationFor(caller, input.organizationId);
        if (organizationId !== null && !(await work.roles.organizationExists(organizationId)))
          throw errors.organization_not_found();
        await requirePeople(work, caller, input);
        await createEntityRepository(work.trx).put(
          input.entities.map(({ type, id, attributes = {}, userId = null }) => ({
            id: uuidv7(work.now),
            organization_id: organizationId,
            type,
            entity_id: id,
            attributes,
            user_id: userId,
            updated_at: work.now,
          })),
        );
        const types = [...new Set(input.entities.map(({ type }) => type))];
        await work.audit.record({
          type: 'entity.registered',
          outcome: 'success',
          actor: caller.actor,
          organizationId: organizationId ?? undefined,
          details: { count: input.entities.length, types: types.slice(0, 20) },
        });
        await work.forget(entityTags.types, ...input.entities.map(({ type, id }) => entityTags.one(type, id)));
        return { registered: input.entities.length };
      });
    },
    /** @throws entity_not_found also for another tenant's */
    remove: (caller: Caller, key: string): Promise<void> =>
      inWork(caller, async (work) => {
        const entities = createEntityRepository(work.trx);
        const row = await entities.find(key);
        if (!row || !(await entities.remove(key))) throw errors.entity_not_found();
        await work.audit.record({
          type: 'entity.removed',
          outcome: 'success',
          actor: caller.actor,
          organizationId: row.organization_id ?? undefined,
          target: { type: row.type, id: row.entity_id },
        });
        await work.forget(entityTags.types, entityTags.one(row.type, row.entity_id));
      }),
  };
};

export type Entities = ReturnType<typeof createEntities>;
