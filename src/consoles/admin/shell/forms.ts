import { type PageContext, parseJson } from '../../../platform/http/index.ts';

type Form = PageContext['form'];

/** A field as the API would get it: an empty one was not given. */
export const textOf = (form: Form, name: string): string | undefined => {
  const value = form[name]?.trim() ?? '';
  return value === '' ? undefined : value;
};

/** One entry a line; commas part entries too. */
export const linesOf = (form: Form, name: string): string[] => [
  ...new Set(
    (form[name] ?? '')
      .split(/[\n,]/)
      .map((line) => line.trim())
      .filter(Boolean),
  ),
];

/** A time of `<input type="datetime-local">`, which has no zone: the page says that it is UTC. */
export const timeOf = (form: Form, name: string): string | undefined => {
  const value = textOf(form, name);
  if (value === undefined) return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(value) ? `${value}:00Z` : value;
};

/** A reason to let rights meet that a rule keeps apart. */
export const overrideOf = (form: Form): { reason: string } | undefined => {
  const reason = textOf(form, 'override');
  return reason === undefined ? undefined : { reason };
};

/** JSON typed into a field, held to what a body of the API is. @throws invalid_request */
export const jsonOf = (form: Form, name: string): unknown => {
  const text = textOf(form, name);
  return text === undefined ? undefined : parseJson(text, `/${name}`);
};
