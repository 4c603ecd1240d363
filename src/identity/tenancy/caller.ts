import type { Database, TenantScope } from '../../platform/db/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { Actor, PermissionScope, Principal } from '../../platform/ports.ts';

export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Who asks for a change, and in which organizations they may. */
export interface Caller {
  actor: Actor;
  scope: TenantScope;
}

interface RouteCaller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

/** TN-02: from membership and assignment, never from the request. */
export const callerOf = ({ principal: { type, id }, reach, organizationIds }: RouteCaller): Caller => {
  if (reach === 'any') return { actor: { type, id }, scope: 'all' };
  return { actor: { type, id }, scope: reach === 'organization' ? organizationIds : [] };
};

/**
 * The organization of a new object: named, or the only one the caller acts in.
 * @throws not_found for one that is not the caller's, invalid_request where it has to be named
 */
export const organizationFor = ({ scope }: Caller, wanted: string | undefined): string | null => {
  if (scope === 'all') return wanted ?? null;
  if (wanted !== undefined) {
    if (!scope.includes(wanted)) throw shared.not_found({ detail: 'There is no such organization' });
    return wanted;
  }
  const [only, ...others] = scope;
  if (only === undefined || others.length > 0)
    throw shared.invalid_request({ errors: [{ path: '/organizationId', message: 'is required' }] });
  return only;
};

/** What other rooms are told of and judge when people's rights change with their groups and organizations. Supplied by `authz`. */
export interface Rights {
  /** @throws grant_not_yours, duties_conflict, duties_override_refused, last_super_admin */
  change<Result>(
    trx: Transaction,
    caller: Caller,
    changed: { userIds?: readonly string[]; groupIds?: readonly string[] },
    run: () => Promise<Result>,
    overriding?: { reason: string },
  ): Promise<Result>;
  /** Within `change`: what somebody was assigned in an organization ends. */
  endAssignments(trx: Transaction, userId: string, organizationId: string): Promise<void>;
  /** Whoever cached something of these asks again: `group:<id>`, `organization:<id>`, `user:<id>`. */
  forget(trx: Transaction, ...tags: string[]): Promise<void>;
}
