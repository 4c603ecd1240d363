/** One transaction of this room: tenants set, repositories and audit bound to it, the caller's rights as they are inside it. */
import type { Caches } from '../../platform/cache/index.ts';
import { isUuid } from '../../platform/crypto/index.ts';
import { type Database, setTenants, type TenantScope } from '../../platform/db/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import type { Override } from '../duties/check.ts';
import { errors } from '../errors.ts';
import { inheritance, type Snapshot } from '../pdp/snapshot.ts';
import type { Subjects } from '../pdp/subjects.ts';
import { createSubjectRepository, type RoleRow } from '../pdp/subjects-repository.ts';
import { type AssignmentRepository, createAssignmentRepository } from './assignments-repository.ts';
import { change, type Whose } from './change.ts';
import type { GrantWrites } from './grants-repository.ts';
import { type Gift, mayGive } from './ladder.ts';
import { nameOf, parsePermission } from './permission.ts';
import {
  createPermissionRepository,
  createRoleRepository,
  type PermissionRepository,
  type RoleRecord,
  type RoleRepository,
} from './roles-repository.ts';

export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Who asks for a change, and whose rows may be touched. The system itself gives as it likes. */
export interface Caller {
  actor: Actor;
  scope: TenantScope;
}

export interface Work {
  trx: Transaction;
  roles: RoleRepository;
  permissions: PermissionRepository;
  assignments: AssignmentRepository;
  audit: AuditSink;
  now: Date;
  /**
   * The one way to change what people hold: one change after the other, judged by what came of it.
   * @throws duties_conflict, duties_override_refused, last_super_admin
   */
  change<Result>(whose: Whose, run: (write: GrantWrites) => Promise<Result>, overriding?: Override): Promise<Result>;
  /** Forgotten everywhere once this has committed. */
  forget(...tags: string[]): Promise<void>;
  /** @throws grant_not_yours unless the caller holds each of them there for that long */
  requireGift(permissions: readonly string[], organizationId: string | null, expiresAt?: Date | null): Promise<void>;
  /** The same, for each in its place. @throws grant_not_yours */
  requireGifts(gifts: readonly Gift[]): Promise<void>;
  /** What the role gives, with all it inherits. */
  permissionsOfRole(roleId: string): Promise<string[]>;
  /** The caller, or anybody, as this transaction sees them. */
  subject(id: string): Promise<Snapshot | undefined>;
  giver(): Promise<Snapshot | undefined>;
  /** Somebody with all memberships, those of suspended organizations too: their return gives nothing that was not judged. */
  holder(id: string): Promise<Snapshot | undefined>;
}

export interface WorkDeps {
  clock: Clock;
  caches: Pick<Caches, 'invalidate'>;
  audit: (trx: Transaction) => AuditSink;
  subjects: Subjects;
}

/** In a refusal. */
const maxNamed = 10;

export type InWork = <Result>(caller: Caller, work: (work: Work) => Promise<Result>) => Promise<Result>;

const closureOf = async (trx: Transaction, roleId: string): Promise<string[]> => {
  const source = createSubjectRepository(trx);
  const roles = new Map<string, RoleRow>();
  let next = [roleId];
  while (next.length > 0) {
    const found: RoleRow[] = [];
    for (const id of next) found.push(...[await source.role(id)].flatMap((role) => role ?? []));
    for (const role of found) roles.set(role.id, role);
    next = [...new Set(found.flatMap(({ parents }) => parents))].filter((id) => !roles.has(id));
  }
  return [...new Set(inheritance(roleId, roles).flatMap(({ role }) => role.permissions))];
};

/** @throws Error for what is not in the grammar, which the catalogue does not hold */
const giftOf = (name: string, organizationId: string | null, expiresAt: number): Gift => {
  const permission = parsePermission(name);
  if (!permission) throw new Error(`${name} is no permission`);
  return { permission, organizationId, expiresAt };
};

const refusalOf = (refused: readonly Gift[]): Error => {
  const permissions = [...new Set(refused.map(({ permission }) => nameOf(permission)))].slice(0, maxNamed);
  const place = refused.every(({ organizationId }) => organizationId === null) ? 'everywhere' : 'there';
  return errors.grant_not_yours({
    detail: `You do not hold ${permissions.join(', ')} ${place}`,
    extensions: { permission: permissions[0], permissions },
  });
};

/** Binds the room's work to a transaction that its caller has begun. */
export const createBind =
  ({ clock, caches, audit, subjects }: WorkDeps) =>
  (trx: Transaction, caller: Caller): Work => {
    const now = clock.now();
    const { actor } = caller;
    let known: Promise<Snapshot | undefined> | undefined;
    const giver = (): Promise<Snapshot | undefined> => {
      known ??= actor.type === 'user' && actor.id !== undefined ? subjects.findIn(trx, actor.id) : Promise.resolve(undefined);
      return known;
    };
    const holds = async (gift: Gift): Promise<boolean> => {
      const from = await giver();
      return from !== undefined && mayGive(from, gift, now.getTime());
    };
    const missing = async (gifts: readonly Gift[]): Promise<Gift[]> => {
      const refused: Gift[] = [];
      for (const gift of gifts) if (!(await holds(gift))) refused.push(gift);
      return refused;
    };
    const requireGifts: Work['requireGifts'] = async (gifts) => {
      const refused = actor.type === 'system' ? [] : await missing(gifts);
      if (refused.length > 0) throw refusalOf(refused);
    };
    const requireGift: Work['requireGift'] = async (names, organizationId, expiresAt = null) =>
      requireGifts(names.map((name) => giftOf(name, organizationId, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY)));
    const mayOverride = (organizationId: string | null): Promise<boolean> =>
      holds(giftOf(`sod:override:${organizationId === null ? 'any' : 'organization'}`, organizationId, now.getTime()));
    const sink = audit(trx);
    return {
      trx,
      roles: createRoleRepository(trx),
      permissions: createPermissionRepository(trx),
      assignments: createAssignmentRepository(trx),
      audit: sink,
      now,
      change: (whose, run, overriding) => change({ trx, now, actor, audit: sink, mayOverride }, whose, run, overriding),
      forget: (...tags) => caches.invalidate(tags, trx),
      requireGift,
      requireGifts,
      permissionsOfRole: (roleId) => closureOf(trx, roleId),
      subject: (id) => subjects.findIn(trx, id),
      holder: (id) => subjects.holderIn(trx, id),
      giver,
    };
  };

export type Bind = ReturnType<typeof createBind>;

export const createInWork =
  (database: Database, bind: Bind): InWork =>
  (caller, run) =>
    database.transaction(async (trx) => {
      await setTenants(trx, caller.scope);
      return await run(bind(trx, caller));
    });

/** A role by id or name; of equal names the one of that organization, then the deployment's own. */
const seekRole = async (
  { roles }: Pick<Work, 'roles'>,
  idOrName: string,
  organizationId?: string | null,
): Promise<RoleRecord | undefined> => {
  if (isUuid(idOrName)) return await roles.find(idOrName);
  const named = await roles.byName(idOrName);
  const global = named.find((role) => role.organization_id === null);
  const own = organizationId ? named.find((role) => role.organization_id === organizationId) : undefined;
  return own ?? global ?? (named.length === 1 ? named[0] : undefined);
};

/** The same. @throws role_not_found also for another tenant's (TN-01) */
export const findRole = async (
  work: Pick<Work, 'roles'>,
  idOrName: string,
  organizationId?: string | null,
): Promise<RoleRecord> => {
  const role = await seekRole(work, idOrName, organizationId);
  if (!role) throw errors.role_not_found();
  return role;
};

/**
 * Roles that something of this organization, or of the deployment, may name: its own and the deployment's (TN-04).
 * @param field where the names stand
 * @throws invalid_request at each that is not there
 */
export const rolesNamed = async (
  work: Pick<Work, 'roles'>,
  names: readonly string[],
  organizationId: string | null,
  field: string,
): Promise<RoleRecord[]> => {
  const found: RoleRecord[] = [];
  const mistakes: { path: string; message: string }[] = [];
  for (const [index, name] of names.entries()) {
    const role = await seekRole(work, name, organizationId);
    if (role && (role.organization_id === null || role.organization_id === organizationId)) found.push(role);
    else mistakes.push({ path: `${field}/${index}`, message: `there is no role ${name}` });
  }
  if (mistakes.length > 0) throw shared.invalid_request({ errors: mistakes });
  return found;
};
