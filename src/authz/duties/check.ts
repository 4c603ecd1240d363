/** Keeps duties apart around a change of what people hold, inside the change's own transaction (FEATURES Z7, AZ-11). */
import { withTenants } from '../../platform/db/index.ts';
import type { Actor, AuditSink } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { type Conflict, grouped, type Holding, newConflicts, type Rule } from './conflicts.ts';
import { createDutyRepository, type DutyRepository } from './repository.ts';
import { conflictView } from './schema.ts';

/** Somebody answers for letting rights meet that a rule keeps apart. */
export interface Override {
  reason: string;
}

export interface DutyContext {
  trx: Parameters<typeof withTenants>[0];
  now: Date;
  actor: Actor;
  audit: AuditSink;
  /** Whether the actor may override in that organization, everywhere where `null`. */
  mayOverride(organizationId: string | null): Promise<boolean>;
}

/** Each overridden conflict leaves an event; more of them are not one decision any more. */
const maxOverridden = 100;
const maxShown = 10;

const appeared = (rules: readonly Rule[], before: readonly Holding[], after: readonly Holding[], now: Date): Conflict[] => {
  const [then, byPair] = [grouped(before), grouped(after)];
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  return [...byPair].flatMap(([pair, holdings]) => {
    const rule = byId.get(holdings[0]?.ruleId ?? '');
    return rule ? newConflicts(rule, then.get(pair) ?? [], holdings, now.getTime()) : [];
  });
};

const refuse = (conflicts: readonly Conflict[]): never => {
  const [first] = conflicts;
  throw errors.duties_conflict({
    detail: `The rule "${first?.rule.name}" keeps these rights apart`,
    extensions: { conflicts: conflicts.slice(0, maxShown).map(conflictView), conflictCount: conflicts.length },
  });
};

const override = async (
  { now, actor, audit, mayOverride }: DutyContext,
  duties: DutyRepository,
  conflicts: readonly Conflict[],
  { reason }: Override,
): Promise<void> => {
  if (conflicts.length > maxOverridden) refuse(conflicts);
  for (const { rule, userId, organizationId, members } of conflicts) {
    // NIST SP 800-53r5 AC-5: nobody lifts for himself what is there to keep him in check.
    if (actor.type !== 'system' && (actor.id === userId || !(await mayOverride(organizationId)))) {
      throw errors.duties_override_refused();
    }
    const grantedBy = actor.id ?? null;
    await duties.except({
      rule_id: rule.id,
      user_id: userId,
      members: [...members],
      reason,
      granted_by: grantedBy,
      created_at: now,
    });
    await audit.record({
      type: 'rbac.sod_overridden',
      outcome: 'success',
      actor,
      subjectId: userId,
      organizationId: organizationId ?? undefined,
      target: { type: 'sod-rule', id: rule.id },
      reason,
      details: { rule: rule.name },
    });
  }
};

/**
 * Runs a change of what people hold and judges what came of it. Conflicts that were there before are no reason to refuse another
 * change; the report lists them.
 * @param whose the people whose rights may change; `all` where it takes a search to know them
 * @throws duties_conflict naming rule, rights and paths; duties_override_refused
 */
export const keepingDuties = async <Result>(
  context: DutyContext,
  { whose, overriding }: { whose: readonly string[] | 'all'; overriding?: Override | undefined },
  run: () => Promise<Result>,
): Promise<Result> => {
  const { trx, now } = context;
  const duties = createDutyRepository(trx);
  await duties.lock();
  const query = whose === 'all' ? {} : { userIds: whose };
  // Rules and rights of every organization count, whatever the caller may see.
  const rules = await withTenants(trx, 'all', () => duties.all());
  if (rules.length === 0) return await run();
  const before = await withTenants(trx, 'all', () => duties.suspects(query, now));
  const result = await run();
  await withTenants(trx, 'all', async () => {
    const conflicts = appeared(rules, before, await duties.suspects(query, now), now);
    if (conflicts.length === 0) return;
    if (overriding) await override(context, duties, conflicts, overriding);
    else refuse(conflicts);
  });
  return result;
};
