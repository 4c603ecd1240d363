import type { PermissionScope, Principal } from '../../platform/ports.ts';
import type { Caller } from './transaction.ts';

export interface RouteCaller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

/** @throws user_not_found where the permission reaches nothing but what is one's own */
export const callerOf = ({ principal, reach, organizationIds }: RouteCaller): Caller => {
  const actor = { type: principal.type, id: principal.id };
  if (reach === 'any') return { actor, scope: 'all' };
  return { actor, scope: reach === 'organization' ? organizationIds : [] };
};
