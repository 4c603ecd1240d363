import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Actor, AuditEvent, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { RecordCaches, ResourceRecord, ResourceSource, Transaction, TransactionalSinks } from '../ports.ts';
import { createResourceRepository, type ResourceOrigin, type ResourceRepository, type ResourceRow } from './repository.ts';
import { contentOf, type ResourceContent, resourceProblems } from './rules.ts';
import type { ResourceInput, ResourceView } from './schema.ts';

export interface ResourceDeps {
  database: Database;
  clock: Clock;
  caches?: RecordCaches | undefined;
  sinks: Pick<TransactionalSinks, 'audit'>;
}

const recordOf = (row: ResourceRow): ResourceRecord => ({
  identifier: row.identifier,
  name: row.name,
  scopes: row.scopes,
  accessTokenFormat: row.access_token_format,
  accessTokenTtlSeconds: row.access_token_ttl_seconds ?? undefined,
  signingAlg: row.signing_alg ?? undefined,
  introspectionClients: row.introspection_clients,
  accessTokenClaims: row.access_token_claims,
});

const viewOf = (row: ResourceRow): ResourceView => ({
  id: row.id,
  identifier: row.identifier,
  name: row.name,
  scopes: row.scopes,
  accessTokenFormat: row.access_token_format,
  accessTokenTtlSeconds: row.access_token_ttl_seconds,
  signingAlg: row.signing_alg,
  introspectionClients: row.introspection_clients,
  accessTokenClaims: row.access_token_claims,
  source: row.source,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

const columns = [
  'identifier',
  'name',
  'scopes',
  'access_token_format',
  'access_token_ttl_seconds',
  'signing_alg',
  'introspection_clients',
  'access_token_claims',
] as const;

const sameScopes = (a: ResourceContent['scopes'], b: ResourceContent['scopes']): boolean =>
  JSON.stringify(a.map(({ name, description }) => [name, description])) ===
  JSON.stringify(b.map(({ name, description }) => [name, description]));

const changed = (before: ResourceContent, after: ResourceContent): (typeof columns)[number][] =>
  columns.filter((column) =>
    column === 'scopes'
      ? !sameScopes(before.scopes, after.scopes)
      : JSON.stringify(before[column]) !== JSON.stringify(after[column]),
  );

const resourceTag = (identifier: string): string => `resource:${identifier}`;
// A resource may get or lose any scope, so what is known by scope goes with every change.
const scopesTag = 'resources';

export const createResources = ({ database, clock, caches, sinks }: ResourceDeps) => {
  const outside = createResourceRepository(database.knex);
  const byIdentifier = caches?.cache<ResourceRecord>({
    name: 'resource-records',
    l1Seconds: 60,
    l2Seconds: 300,
    maxEntries: 5000,
  });
  const byScope = caches?.cache<ResourceRecord[]>({
    name: 'resources-by-scope',
    l1Seconds: 60,
    l2Seconds: 300,
    maxEntries: 5000,
  });

  const readOne = async (identifier: string) => {
    const row = await outside.find(identifier);
    return row && { value: recordOf(row), tags: [resourceTag(identifier)] };
  };
  const readScope = async (scope: string) => ({ value: (await outside.withScope(scope)).map(recordOf), tags: [scopesTag] });

  const source: ResourceSource = {
    find: async (identifier) => {
      const load = () => readOne(identifier);
      return byIdentifier ? byIdentifier.get(identifier, load) : (await load())?.value;
    },
    withScope: async (scope) => {
      const load = () => readScope(scope);
      return (byScope ? await byScope.get(scope, load) : (await load()).value) ?? [];
    },
  };

  const check = (input: ResourceInput): ResourceContent => {
    const problems = resourceProblems(input);
    if (problems.length > 0) throw errors.resource_invalid({ errors: problems });
    return contentOf(input);
  };

  const note = (
    trx: Transaction,
    event: Pick<AuditEvent, 'type' | 'before' | 'after'> & { details?: object },
    row: { identifier: string },
    actor: Actor,
  ) =>
    sinks.audit(trx).record({
      ...event,
      outcome: 'success',
      actor,
      target: { type: 'resource', id: row.identifier },
    } as AuditEvent);

  const forget = async (trx: Transaction, identifier: string): Promise<void> => {
    await caches?.invalidate([resourceTag(identifier), scopesTag], trx);
  };

  const insert = async (
    trx: Transaction,
    content: ResourceContent,
    origin: ResourceOrigin,
    actor: Actor,
  ): Promise<ResourceRow> => {
    const now = clock.now();
    const row: ResourceRow = { ...content, id: uuidv7(now), source: origin, version: 1, created_at: now, updated_at: now };
    if (!(await createResourceRepository(trx).insert(row))) throw errors.resource_exists();
    await note(trx, { type: 'resource.created', details: { source: origin }, after: { ...content } }, row, actor);
    await forget(trx, content.identifier);
    return row;
  };

  const update = async (trx: Transaction, row: ResourceRow, content: ResourceContent, actor: Actor, origin = row.source) => {
    const fields = changed(row, content);
    if (fields.length === 0 && origin === row.source) return;
    await createResourceRepository(trx).update(row.id, { ...content, source: origin, updated_at: clock.now() });
    const pick = (all: ResourceContent) => Object.fromEntries(fields.map((field) => [field, all[field]]));
    await note(trx, { type: 'resource.updated', details: { fields }, before: pick(row), after: pick(content) }, row, actor);
    await forget(trx, row.identifier);
    await forget(trx, content.identifier);
  };

  const editable = async (resources: ResourceRepository, id: string): Promise<ResourceRow> => {
    const row = await resources.lockById(id);
    if (!row) throw errors.resource_not_found();
    if (row.source === 'builtin') throw errors.resource_is_builtin();
    return row;
  };

  const found = (row: ResourceRow | undefined): { view: ResourceView; version: number } => {
    if (!row) throw errors.resource_not_found();
    return { view: viewOf(row), version: row.version };
  };

  const apply = async (trx: Transaction, input: ResourceInput, origin: ResourceOrigin): Promise<void> => {
    const content = check(input);
    const row = await createResourceRepository(trx).lock(content.identifier);
    if (row?.source === 'builtin' && origin !== 'builtin') throw errors.resource_is_builtin();
    if (row) await update(trx, row, content, { type: 'system' }, origin);
    else await insert(trx, content, origin, { type: 'system' });
  };

  return {
    ...source,
    /** Inserts or replaces inside the caller's transaction. @throws resource_invalid, resource_is_builtin */
    apply,
    /** Inserts or replaces; the same twice changes nothing. @throws resource_invalid, resource_is_builtin */
    put: (input: ResourceInput, origin: ResourceOrigin): Promise<void> =>
      database.transaction((trx) => apply(trx, input, origin)),
    admin: {
      list: async (limit: number, after: string | undefined): Promise<ResourceView[]> =>
        (await outside.list(limit, after)).map(viewOf),
      /** @throws resource_not_found */
      get: async (id: string) => found(await outside.findById(id)),
      /** @throws resource_invalid, resource_exists */
      create: (input: ResourceInput, actor: Actor) => {
        const content = check(input);
        return database.transaction(async (trx) => found(await insert(trx, content, 'admin', actor)));
      },
      /** @param match throws when the version is not the caller's */
      update: (id: string, input: ResourceInput, actor: Actor, match: (version: number) => void) => {
        const content = check(input);
        return database.transaction(async (trx) => {
          const resources = createResourceRepository(trx);
          const row = await editable(resources, id);
          match(row.version);
          // Tokens carry the identifier as their audience: another one is another resource.
          if (content.identifier !== row.identifier) throw errors.resource_identifier_fixed();
          await update(trx, row, content, actor);
          return found(await resources.findById(id));
        });
      },
      remove: (id: string, actor: Actor): Promise<void> =>
        database.transaction(async (trx) => {
          const resources = createResourceRepository(trx);
          const row = await editable(resources, id);
          await resources.remove(id);
          await note(trx, { type: 'resource.deleted', before: { name: row.name } }, row, actor);
          await forget(trx, row.identifier);
        }),
    },
  };
};

export type Resources = ReturnType<typeof createResources>;
