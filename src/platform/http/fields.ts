import type { ValidateFunction } from 'ajv';
import type { FieldError } from '../errors/index.ts';

const squashed = (name: string): string => name.replace(/[_-]/g, '').toLowerCase();

/** The name that was meant: `redirect_uris` for `redirectUris`, and the other way round. */
const twinOf = (name: string, { properties = {} }: { properties?: object }): string | undefined =>
  Object.keys(properties).find((known) => squashed(known) === squashed(name));

const unknownField = (name: string, schema: object): string => {
  const twin = twinOf(name, schema);
  return twin === undefined ? 'is not a known field' : `is not a known field; it is written ${twin} here`;
};

/** What is wrong with a value, field by field. Wants a validator that was compiled with `verbose`. */
export const fieldErrors = (validate: ValidateFunction, prefix: string): FieldError[] =>
  (validate.errors ?? []).slice(0, 20).map((error) => {
    const { additionalProperty, missingProperty } = error.params as { additionalProperty?: string; missingProperty?: string };
    const member = additionalProperty ?? missingProperty;
    const path = `${prefix}${error.instancePath}${member === undefined ? '' : `/${member}`}`;
    if (additionalProperty !== undefined) {
      return { path, message: unknownField(additionalProperty, error.parentSchema ?? {}) };
    }
    if (missingProperty !== undefined) return { path, message: 'is required' };
    return { path, message: error.message ?? 'is not valid' };
  });
