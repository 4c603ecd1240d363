import type { PermissionScope, Principal } from '../../platform/ports.ts';
import type { Manager } from './service.ts';

interface Caller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

/** Whose clients a caller may manage: those of the organizations for which the permission is held (TN-02). */
export const managerOf = ({ principal: { type, id }, reach, organizationIds }: Caller): Manager => {
  const actor = { type, id };
  return reach === 'any' ? { actor } : { actor, organizationIds };
};
