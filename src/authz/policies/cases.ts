import { failureOf } from './language.ts';
import type { VersionRow } from './repository.ts';
import type { PolicyCase, TestView } from './schema.ts';

const matches = (names: readonly string[] | undefined, name: string): boolean =>
  !names || names.includes(name) || names.includes('*');

/** Tries one case on one version, without anybody's rights. */
export const runCase = (row: VersionRow, given: PolicyCase): TestView['results'][number] => {
  const { target, condition } = row;
  const isTargeted = matches(target.actions, given.action) && matches(target.resources, given.resource.type);
  const data = {
    subject: given.subject ?? {},
    resource: { ...given.resource.attributes, type: given.resource.type, id: given.resource.id },
    action: given.action,
    actionProperties: given.actionProperties ?? {},
    env: given.context ?? {},
  };
  const failed = failureOf(condition, data) ?? null;
  // A deny whose condition cannot be computed denies (AZ-07).
  const applies = isTargeted && (failed === null || (failed.error !== undefined && row.effect === 'deny'));
  const { expected = null } = given;
  return {
    name: given.name ?? null,
    targeted: isTargeted,
    applies,
    expected,
    passed: expected === null || expected === applies,
    failed,
  };
};
