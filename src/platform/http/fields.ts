import type { ErrorObject, ValidateFunction } from 'ajv';
import type { FieldError } from '../errors/index.ts';

const squashed = (name: string): string => name.replace(/[_-]/g, '').toLowerCase();

/** The name that was meant: `redirect_uris` for `redirectUris`, and the other way round. */
const twinOf = (name: string, { properties = {} }: { properties?: object }): string | undefined =>
  Object.keys(properties).find((known) => squashed(known) === squashed(name));

const unknownField = (name: string, schema: object): string => {
  const twin = twinOf(name, schema);
  return twin === undefined ? 'is not a known field' : `is not a known field; it is written ${twin} here`;
};

const oneOf = (values: readonly unknown[]): string => `must be one of ${values.join(', ')}`;
const typeOf = ({ type, anyOf }: { type?: string; anyOf?: object[] }): string =>
  anyOf ? 'of another shape' : (type ?? 'a value');

/** What the branches of a choice say, as one: values, else the branch whose type the value has, else the types. */
const choiceErrors = (choice: ErrorObject, within: readonly ErrorObject[]): ErrorObject[] => {
  const branches = choice.schema as { const?: unknown; type?: string }[];
  const values = branches.map((branch) => branch.const);
  if (values.every((value) => value !== undefined)) return [{ ...choice, message: oneOf(values) }];
  const branchOf = ({ schemaPath }: ErrorObject): string => schemaPath.slice(choice.schemaPath.length + 1).split('/')[0] ?? '';
  const mistyped = within.filter(({ keyword, instancePath }) => keyword === 'type' && instancePath === choice.instancePath);
  const isMistyped = new Set(mistyped.map(branchOf));
  const fitting = within.find((error) => !isMistyped.has(branchOf(error)));
  if (fitting) return within.filter((error) => branchOf(error) === branchOf(fitting));
  return [{ ...choice, message: `must be ${[...new Set(branches.map(typeOf))].join(' or ')}` }];
};

/** Without the many words of choices, each of whose branches tells why it is not the one. */
const condensed = (errors: readonly ErrorObject[]): ErrorObject[] => {
  // The outermost come last and are asked first: what is within them is theirs.
  const outermost = errors.findLast(({ keyword }) => keyword === 'anyOf');
  if (!outermost) return [...errors];
  const isWithin = ({ instancePath, schemaPath }: ErrorObject): boolean =>
    instancePath.startsWith(outermost.instancePath) && schemaPath.startsWith(`${outermost.schemaPath}/`);
  const within = condensed(errors.filter(isWithin));
  const others = errors.filter((error) => error !== outermost && !isWithin(error));
  return [...condensed(others), ...choiceErrors(outermost, within)];
};

/** What is wrong with a value, field by field. Wants a validator that was compiled with `verbose`. */
export const fieldErrors = (validate: ValidateFunction, prefix: string): FieldError[] =>
  condensed(validate.errors ?? [])
    .slice(0, 20)
    .map((error) => {
      const { additionalProperty, missingProperty } = error.params as { additionalProperty?: string; missingProperty?: string };
      const member = additionalProperty ?? missingProperty;
      const path = `${prefix}${error.instancePath}${member === undefined ? '' : `/${member}`}`;
      if (additionalProperty !== undefined) {
        return { path, message: unknownField(additionalProperty, error.parentSchema ?? {}) };
      }
      if (missingProperty !== undefined) return { path, message: 'is required' };
      if (error.keyword === 'enum') return { path, message: oneOf(error.schema as unknown[]) };
      return { path, message: error.message ?? 'is not valid' };
    });
