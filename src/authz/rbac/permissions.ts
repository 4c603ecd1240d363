import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import { normal } from './roles.ts';
import type { PermissionRecord } from './roles-repository.ts';
import type { Caller, InWork } from './transaction.ts';

/** The catalogue of permissions. */
export const createPermissions = (inWork: InWork) => ({
  list: (caller: Caller, search: string | undefined, limit: number, after: string | undefined): Promise<PermissionRecord[]> =>
    inWork(caller, ({ permissions }) => permissions.list(search, limit, after)),
  /** @throws permission_exists */
  create: (caller: Caller, name: string, description: string | undefined): Promise<PermissionRecord> =>
    inWork(caller, async (work) => {
      const [wanted = name] = normal([name]);
      if ((await work.permissions.byNames([wanted])).length > 0) throw errors.permission_exists();
      await work.requireGift([wanted], null);
      const row = { id: uuidv7(work.now), name: wanted, description: description ?? null, created_at: work.now };
      await work.permissions.insert([row]);
      await work.audit.record({
        type: 'rbac.permission_created',
        outcome: 'success',
        actor: caller.actor,
        target: { type: 'permission', id: row.id },
        details: { permission: wanted },
      });
      return row;
    }),
  /** @throws permission_not_found, permission_in_use */
  remove: (caller: Caller, reference: string): Promise<void> =>
    inWork(caller, async (work) => {
      const found = await work.permissions.find(isUuid(reference) ? { id: reference } : { name: reference });
      if (!found) throw errors.permission_not_found();
      await work.requireGift([found.name], null);
      if (await work.permissions.isUsed(found.id)) throw errors.permission_in_use();
      await work.permissions.remove(found.id);
      await work.audit.record({
        type: 'rbac.permission_deleted',
        outcome: 'success',
        actor: caller.actor,
        target: { type: 'permission', id: found.id },
        details: { permission: found.name },
      });
    }),
});

export type Permissions = ReturnType<typeof createPermissions>;
