import { type FieldError, Refusal } from '../../../platform/errors/index.ts';
import { fieldWords } from '../../../platform/http/index.ts';

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

/** A mistake as the page shows it: at its field, where the form has one, and in the page's language, where there are words. */
interface ShownError extends FieldError {
  field: string | undefined;
  /** Words of the catalogue; `message` is English. */
  key: string | undefined;
  values: Record<string, string | number>;
}

/** The field of a path: `/permissions/0` is of `permissions`, `/branding/accentColor` of `accentColor`. */
const fieldOf = (path: string, form: Record<string, string>): string | undefined =>
  path.split('/').findLast((name) => name !== '' && form[name] !== undefined);

export const shownProblem = (problem: Problem, form: Record<string, string>) => ({
  ...problem,
  errors: problem.errors.map((error): ShownError => {
    const { key, values = {} } = fieldWords(error.message) ?? {};
    return { ...error, field: fieldOf(error.path, form), key, values };
  }),
});
