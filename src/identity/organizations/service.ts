import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import { contrastWithWhite } from '../../platform/views/index.ts';
import { errors } from '../errors.ts';
import type { Caller, Rights, Transaction } from '../tenancy/caller.ts';
import { placeIn } from '../tenancy/tree.ts';
import {
  createOrganizationRepository,
  type OrganizationFilter,
  type OrganizationRecord,
  type OrganizationRepository,
} from './repository.ts';
import type { Branding, OrganizationChange, OrganizationWish } from './schema.ts';

export interface OrganizationDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  rights: Rights;
  outside: OrganizationOutside;
}

export interface OrganizationOutside {
  /** Every session and token of its people and applications ends in the transaction (TK-05). Supplied by `oidc`. */
  endOrganization(trx: Transaction, organizationId: string, actor: Actor): Promise<void>;
}

export interface OrganizationWork {
  trx: Transaction;
  organizations: OrganizationRepository;
  audit: AuditSink;
  now: Date;
}

export const createOrganizationWork =
  ({ database, clock, audit }: Pick<OrganizationDeps, 'database' | 'clock' | 'audit'>) =>
  <Result>(caller: Caller, run: (work: OrganizationWork) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, caller.scope);
      return run({ trx, organizations: createOrganizationRepository(trx), audit: audit(trx), now: clock.now() });
    });

/** By id or slug. @throws not_found also for another's (TN-01) */
export const findOrganization = async (
  { organizations }: Pick<OrganizationWork, 'organizations'>,
  { scope }: Caller,
  reference: string,
): Promise<OrganizationRecord> => {
  const found = await organizations.find(isUuid(reference) ? { id: reference } : { slug: reference }, scope);
  if (!found) throw shared.not_found({ detail: 'There is no such organization' });
  return found;
};

/** A name as it may stand in addresses: `Trường Đại học` is `truong-dai-hoc`. */
export const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('đ', 'd')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');

/** Words in the colour on white, and white words on it, must be read (WCAG 2.2 §1.4.3). @throws invalid_request */
const requireReadable = ({ accentColor }: Branding = {}): void => {
  if (accentColor === undefined || contrastWithWhite(accentColor) >= 4.5) return;
  const message = 'must be darker: its contrast with white is under 4.5';
  throw shared.invalid_request({ errors: [{ path: '/branding/accentColor', message }] });
};

const contentOf = ({ name, slug, parent_id: parent, status, branding }: OrganizationRecord) => ({
  name,
  slug,
  parent,
  status,
  branding,
});

/** Organizations (FEATURES I4): tenants, one below another; being above gives no right below. */
export const createOrganizations = ({ rights, outside, ...deps }: OrganizationDeps) => {
  const inWork = createOrganizationWork(deps);

  const parentOf = async (
    work: OrganizationWork,
    caller: Caller,
    reference: string | null,
  ): Promise<OrganizationRecord | null> => (reference === null ? null : findOrganization(work, caller, reference));

  /** @throws organization_cycle, organization_too_deep */
  const requireTree = async (
    { organizations }: OrganizationWork,
    id: string,
    parent: OrganizationRecord | null,
  ): Promise<void> => {
    if (!parent) return;
    await organizations.lockHierarchy();
    const place = await placeIn(organizations, id, parent.id);
    const wrong = (message: string) => ({ errors: [{ path: '/parent', message }] });
    if (place === 'circle') throw errors.organization_cycle(wrong(`${parent.name} is the organization itself or below it`));
    if (place === 'too_deep') throw errors.organization_too_deep(wrong(`${parent.name} is too deep`));
  };

  const insert = async (work: OrganizationWork, caller: Caller, wish: OrganizationWish): Promise<OrganizationRecord> => {
    const { name, slug = slugOf(name), branding = {} } = wish;
    requireReadable(branding);
    if (slug === '') throw shared.invalid_request({ errors: [{ path: '/slug', message: 'is required for this name' }] });
    const id = uuidv7(work.now);
    const parent = await parentOf(work, caller, wish.parent ?? null);
    await requireTree(work, id, parent);
    const content = { name, slug, parent_id: parent?.id ?? null, status: 'active', branding };
    if (!(await work.organizations.insert(id, content, work.now))) throw errors.organization_exists();
    const made = await findOrganization(work, { ...caller, scope: 'all' }, id);
    await work.audit.record({
      type: 'identity.organization_created',
      outcome: 'success',
      actor: caller.actor,
      organizationId: id,
      target: { type: 'organization', id },
      after: contentOf(made),
    });
    return made;
  };

  /** Its address, its place and whether it works at all are the deployment's to say. @throws permission_required */
  const requireOwn = (caller: Caller, before: OrganizationRecord, { slug, parent, status }: OrganizationChange): void => {
    const isPlaced = parent !== undefined && parent !== (before.parent?.id ?? null);
    const isMore = isPlaced || (slug !== undefined && slug !== before.slug) || (status !== undefined && status !== before.status);
    if (caller.scope === 'all' || !isMore) return;
    const permission = 'organization:update:any';
    throw shared.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  const replace = async (
    work: OrganizationWork,
    caller: Caller,
    before: OrganizationRecord,
    change: OrganizationChange,
  ): Promise<OrganizationRecord> => {
    const { name, slug = before.slug, status = before.status, branding = before.branding } = change;
    requireReadable(branding);
    requireOwn(caller, before, change);
    const isMoved = caller.scope === 'all' && change.parent !== undefined;
    const parent = isMoved ? await parentOf(work, caller, change.parent ?? null) : null;
    await requireTree(work, before.id, parent);
    if (slug !== before.slug && (await work.organizations.isSlugTaken(slug))) throw errors.organization_exists();
    const parentId = isMoved ? (parent?.id ?? null) : before.parent_id;
    await work.organizations.update(before.id, { name, slug, status, branding, parent_id: parentId }, work.now);
    const after = await findOrganization(work, caller, before.id);
    const [was, is] = [contentOf(before), contentOf(after)];
    const names = ['name', 'slug', 'parent', 'status', 'branding'] as const;
    const fields = names.filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]));
    await work.audit.record({
      type: 'identity.organization_updated',
      outcome: 'success',
      actor: caller.actor,
      organizationId: before.id,
      target: { type: 'organization', id: before.id },
      details: { fields },
      before: was,
      after: is,
    });
    return after;
  };

  return {
    list: (
      caller: Caller,
      { parent, userId, search }: { parent?: string | undefined; userId?: string | undefined; search?: string | undefined },
      limit: number,
      after: readonly string[] | undefined,
    ): Promise<OrganizationRecord[]> =>
      inWork(caller, async (work) => {
        const filter: OrganizationFilter = { search, memberId: userId };
        if (parent !== undefined) filter.parentId = (await findOrganization(work, caller, parent)).id;
        return work.organizations.list(filter, caller.scope, limit, after);
      }),
    /** @throws not_found */
    get: (caller: Caller, reference: string): Promise<OrganizationRecord> =>
      inWork(caller, (work) => findOrganization(work, caller, reference)),
    /** @throws organization_exists, organization_too_deep, not_found, invalid_request */
    create: (caller: Caller, wish: OrganizationWish): Promise<OrganizationRecord> =>
      inWork(caller, (work) => insert(work, caller, wish)),
    /** At a start: made with its members where absent, left alone where there. @throws those of `create` */
    ensure: (caller: Caller, wish: OrganizationWish, memberIds: readonly string[]): Promise<void> =>
      inWork(caller, async (work) => {
        // Replicas that start together wait for one another.
        await work.organizations.lockHierarchy();
        if (await work.organizations.find({ slug: wish.slug ?? slugOf(wish.name) }, caller.scope)) return;
        const { id } = await insert(work, caller, wish);
        const join = async (): Promise<void> => {
          for (const userId of memberIds) await work.organizations.addMember(id, userId, work.now);
        };
        // A rule of duties does not lock the operator out; that it was passed over is in the log.
        await rights.change(work.trx, caller, { userIds: memberIds }, join, { reason: 'by the operator' });
      }),
    /**
     * What is not named stays.
     * @param match throws when the version is not the caller's
     * @throws not_found, permission_required, organization_exists, organization_cycle, organization_too_deep, invalid_request
     */
    update: (
      caller: Caller,
      reference: string,
      change: OrganizationChange,
      match: (version: number) => void,
    ): Promise<OrganizationRecord> =>
      inWork(caller, async (work) => {
        const { id } = await findOrganization(work, caller, reference);
        match((await work.organizations.lock(id)) ?? 0);
        const before = await findOrganization(work, caller, id);
        const after = await replace(work, caller, before, change);
        if (after.status === 'suspended' && before.status !== 'suspended') {
          await outside.endOrganization(work.trx, id, caller.actor);
        }
        // What was read of its members while it was suspended does not name it.
        const members = after.status === before.status ? [] : await work.organizations.memberIds(id);
        await rights.forget(work.trx, `organization:${id}`, ...members.map((userId) => `user:${userId}`));
        return after;
      }),
  };
};

export type Organizations = ReturnType<typeof createOrganizations>;
