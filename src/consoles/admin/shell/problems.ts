import { type FieldError, Refusal } from '../../../platform/errors/index.ts';

/** What a refused wish says on the page it was posted from; its words are `admin.problem.<code>`, or the API's own. */
export interface Problem {
  code: string;
  status: number;
  title: string;
  detail: string | undefined;
  errors: readonly FieldError[];
  /** Rights that a rule keeps apart: the page asks for a reason. */
  conflicts: readonly unknown[];
}

/** @throws what is no refusal, or means that there is no such page for this person */
export const problemOf = (error: unknown): Problem => {
  if (!(error instanceof Refusal) || error.status >= 500 || error.code === 'permission_required') throw error;
  const { code, status, title, detail, errors, extensions } = error;
  return { code, status, title, detail, errors, conflicts: Array.isArray(extensions.conflicts) ? extensions.conflicts : [] };
};
