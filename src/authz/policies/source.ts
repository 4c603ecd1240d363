import type { Caches } from '../../platform/cache/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import type { ActivePolicy, PolicySet } from '../pdp/decide.ts';
import { compileCondition } from './language.ts';
import { type ActiveRow, createPolicyRepository } from './repository.ts';

export const policyTag = (organizationId: string | null): string => `policies:${organizationId ?? 'all'}`;

type Targeted = ActivePolicy & { target: ActiveRow['target'] };

const none: readonly ActivePolicy[] = [];

const speaksOf = ({ target }: Targeted, resource: string, action: string): boolean => {
  const { resources, actions } = target;
  return (
    (!resources || resources.includes(resource) || resources.includes('*')) &&
    (!actions || actions.includes(action) || actions.includes('*'))
  );
};

// The highest priority first, deny on ties (FEATURES Z3).
export const inOrder = (a: ActivePolicy, b: ActivePolicy): number =>
  b.priority - a.priority || Number(a.effect === 'allow') - Number(b.effect === 'allow');

export const targeted = (row: ActiveRow): Targeted => ({
  id: row.id,
  name: row.name,
  version: row.number,
  effect: row.effect,
  priority: row.priority,
  organizationId: row.organization_id,
  target: row.target,
  condition: row.condition,
  holds: compileCondition(row.condition),
});

const maxKnown = 2000;

export const policySetOf = (policies: readonly Targeted[]): PolicySet => {
  if (policies.length === 0) return { matching: () => none, actions: () => [] };
  const sorted = [...policies].sort(inOrder);
  const known = new Map<string, readonly ActivePolicy[]>();
  return {
    matching: (resource, action) => {
      const key = `${resource}\n${action}`;
      const found = known.get(key);
      if (found) return found;
      const made = sorted.filter((policy) => speaksOf(policy, resource, action));
      if (known.size < maxKnown) known.set(key, made);
      return made;
    },
    actions: (resource) => [
      ...new Set(
        sorted
          .filter(({ target }) => !target.resources || target.resources.includes(resource) || target.resources.includes('*'))
          .flatMap(({ target }) => target.actions ?? [])
          .filter((action) => action !== '*'),
      ),
    ],
  };
};

/** Policies in force: the deployment's, and those of the organization whose object is asked about. Compiled once per change. */
export const createPolicySource = ({ database, caches }: { database: Database; caches: Pick<Caches, 'cache'> }) => {
  const rows = caches.cache<ActiveRow[]>({ name: 'authz-policies', l1Seconds: 60, l2Seconds: 300, maxEntries: 5000 });
  const compiled = new WeakMap<ActiveRow[], Targeted[]>();
  const sets = new WeakMap<Targeted[], WeakMap<Targeted[], PolicySet>>();

  const load = async (organizationId: string | null): Promise<Targeted[]> => {
    const found = await rows.get(organizationId ?? 'all', async () => ({
      value: await database.transaction(async (trx) => {
        await setTenants(trx, 'all');
        return await createPolicyRepository(trx).active(organizationId);
      }),
      tags: [policyTag(organizationId)],
    }));
    if (!found) return [];
    const known = compiled.get(found);
    if (known) return known;
    const made = found.map(targeted);
    compiled.set(found, made);
    return made;
  };

  const nothing: Targeted[] = [];
  return async (organizationId: string | undefined): Promise<PolicySet> => {
    const global = await load(null);
    const own = organizationId === undefined ? nothing : await load(organizationId);
    const byOwn = sets.get(global) ?? new WeakMap<Targeted[], PolicySet>();
    sets.set(global, byOwn);
    const known = byOwn.get(own);
    if (known) return known;
    const made = policySetOf([...global, ...own]);
    byOwn.set(own, made);
    return made;
  };
};

/** Those of every organization as well: for questions about objects of any. Read anew each time. */
export const createPolicyReader = (database: Database) => async (): Promise<PolicySet> =>
  database.transaction(async (trx) => {
    await setTenants(trx, 'all');
    return policySetOf((await createPolicyRepository(trx).active('all')).map(targeted));
  });

export type PolicySource = ReturnType<typeof createPolicySource>;
