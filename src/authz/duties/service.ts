import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import { organizationFor, requireKnown } from '../rbac/roles.ts';
import { type Caller, type InWork, rolesNamed, type Work } from '../rbac/transaction.ts';
import { type Conflict, grouped, newConflicts } from './conflicts.ts';
import { createDutyRepository, type ExceptionRow, type RuleContent, type RuleRecord, type SuspectQuery } from './repository.ts';
import type { RuleInput, RuleView } from './schema.ts';

export const ruleView = (rule: RuleRecord): RuleView => ({
  id: rule.id,
  name: rule.name,
  description: rule.description,
  organizationId: rule.organizationId,
  roles: rule.roles,
  permissions: rule.permissions,
  maxHeld: rule.maxHeld,
  createdAt: rule.createdAt.toISOString(),
  updatedAt: rule.updatedAt.toISOString(),
});

export interface ReportPage {
  items: { conflict: Conflict; exception: ExceptionRow | undefined }[];
  /** Person and rule of the last pair looked at, where more follow. */
  next: readonly string[] | undefined;
}

const auditable = ({ name, maxHeld, roles, permissions }: RuleRecord) => ({
  name,
  maxHeld,
  roles: roles.map((role) => role.name),
  permissions,
});

const contentOf = async (work: Work, input: RuleInput, organizationId: string | null): Promise<RuleContent> => {
  const { name, description = null, roles = [], permissions = [], maxHeld = 1 } = input;
  const named = await rolesNamed(work, roles, organizationId, '/roles');
  const roleIds = new Set(named.map(({ id }) => id));
  const names = await requireKnown(work, permissions);
  if (roleIds.size + names.length <= maxHeld) {
    const message = 'the rule must name more roles and permissions than one person may hold';
    throw shared.invalid_request({ errors: [{ path: '/maxHeld', message }] });
  }
  return { name, description, maxHeld, roleIds: [...roleIds], permissions: names };
};

export const createDuties = (inWork: InWork) => {
  const found = async (work: Work, id: string): Promise<RuleRecord> => {
    const rule = await createDutyRepository(work.trx).find({ id });
    if (!rule) throw errors.sod_rule_not_found();
    return rule;
  };

  /** What everybody must keep to is not one organization's to change. */
  const editable = async (work: Work, { scope }: Caller, id: string): Promise<RuleRecord> => {
    await createDutyRepository(work.trx).lock();
    const rule = await found(work, id);
    if (scope !== 'all' && !scope.includes(rule.organizationId ?? '')) throw errors.sod_rule_not_yours();
    return rule;
  };

  return {
    list: (caller: Caller, limit: number, after: readonly string[] | undefined): Promise<RuleRecord[]> =>
      inWork(caller, ({ trx }) => createDutyRepository(trx).list(limit, after)),
    /** @throws sod_rule_not_found */
    get: (caller: Caller, id: string): Promise<RuleRecord> => inWork(caller, (work) => found(work, id)),
    /** @throws sod_rule_exists, permission_unknown, organization_not_found, invalid_request */
    create: (caller: Caller, input: RuleInput): Promise<RuleRecord> =>
      inWork(caller, async (work) => {
        const organizationId = organizationFor(caller, input.organizationId);
        if (organizationId !== null && !(await work.roles.organizationExists(organizationId)))
          throw errors.organization_not_found();
        const content = await contentOf(work, input, organizationId);
        const duties = createDutyRepository(work.trx);
        await duties.lock();
        const id = uuidv7(work.now);
        if (!(await duties.insert(id, organizationId, content, work.now))) throw errors.sod_rule_exists();
        const rule = await found(work, id);
        await work.audit.record({
          type: 'rbac.sod_rule_created',
          outcome: 'success',
          actor: caller.actor,
          organizationId: organizationId ?? undefined,
          target: { type: 'sod-rule', id },
          after: auditable(rule),
        });
        return rule;
      }),
    /**
     * Replaces what the rule says.
     * @param match throws when the version is not the caller's
     * @throws sod_rule_not_found, sod_rule_not_yours and those of `create`
     */
    update: (caller: Caller, id: string, input: RuleInput, match: (version: number) => void): Promise<RuleRecord> =>
      inWork(caller, async (work) => {
        const before = await editable(work, caller, id);
        match(before.version);
        if (input.organizationId !== undefined && input.organizationId !== before.organizationId)
          throw errors.organization_not_found();
        const content = await contentOf(work, input, before.organizationId);
        if (!(await createDutyRepository(work.trx).update(id, content, work.now))) throw errors.sod_rule_exists();
        const after = await found(work, id);
        await work.audit.record({
          type: 'rbac.sod_rule_updated',
          outcome: 'success',
          actor: caller.actor,
          organizationId: before.organizationId ?? undefined,
          target: { type: 'sod-rule', id },
          before: auditable(before),
          after: auditable(after),
        });
        return after;
      }),
    /** @throws sod_rule_not_found, sod_rule_not_yours */
    remove: (caller: Caller, id: string): Promise<void> =>
      inWork(caller, async (work) => {
        const rule = await editable(work, caller, id);
        await createDutyRepository(work.trx).remove(id);
        await work.audit.record({
          type: 'rbac.sod_rule_deleted',
          outcome: 'success',
          actor: caller.actor,
          organizationId: rule.organizationId ?? undefined,
          target: { type: 'sod-rule', id },
          before: auditable(rule),
        });
      }),
    /** Rights that meet now or will, in pages of people looked at, of whom some may turn out to be clear. */
    conflicts: (caller: Caller, query: SuspectQuery & { limit: number }): Promise<ReportPage> =>
      inWork(caller, async (work) => {
        const duties = createDutyRepository(work.trx);
        const memberOf = caller.scope === 'all' ? undefined : caller.scope;
        const holdings = await duties.suspects({ ...query, memberOf, limit: query.limit + 1 }, work.now);
        const pairs = [...grouped(holdings).values()];
        const shown = pairs.slice(0, query.limit);
        const byId = new Map((await duties.all()).map((rule) => [rule.id, rule]));
        const exceptions = await duties.exceptions([...new Set(shown.map(([one]) => one?.userId ?? ''))]);
        const items = shown.flatMap((held) => {
          const rule = byId.get(held[0]?.ruleId ?? '');
          const exception = exceptions.find((row) => row.rule_id === rule?.id && row.user_id === held[0]?.userId);
          const conflicts = rule ? newConflicts(rule, [], held, work.now.getTime()) : [];
          return conflicts.map((conflict) => ({ conflict, exception }));
        });
        const last = pairs.length > query.limit ? shown.at(-1)?.[0] : undefined;
        return { items, next: last && [last.userId, last.ruleId] };
      }),
  };
};

export type Duties = ReturnType<typeof createDuties>;
