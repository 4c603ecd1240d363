/** The closed set of what is said of fields, by the keys of its words on pages: `field.<key>`. */
const said: readonly [RegExp, key: string][] = [
  [/^is required/, 'required'],
  [/^is not a known field; it is written (?<name>.+) here$/, 'written'],
  [/^is not a known field/, 'unknown'],
  [/^must be one of (?<values>.+)$/, 'one_of'],
  [/^must be (?<type>(?:(?:string|integer|number|boolean|array|object|null|of another shape)(?:,| or |$))+)$/, 'type'],
  [/^must NOT have fewer than (?<count>\d+) characters$/, 'short'],
  [/^must NOT have more than (?<count>\d+) characters$/, 'long'],
  [/^must NOT have fewer than (?<count>\d+) (items|properties)$/, 'few'],
  [/^must NOT have more than (?<count>\d+) (items|properties)$/, 'many'],
  [/^must NOT have duplicate items/, 'twice'],
  [/^must be (?<limit>[<>]=? .+)$/, 'range'],
  [/^must match format "(?<format>.+)"$/, 'format'],
  [/^must match pattern |^must be equal to constant$/, 'pattern'],
  [/^is not valid JSON$/, 'json'],
];

/** A field's message as a page says it in its own language. @returns nothing for what is said in one place alone */
export const fieldWords = (message: string): { key: string; values: Record<string, string | number> } | undefined => {
  for (const [pattern, key] of said) {
    const match = pattern.exec(message);
    if (!match) continue;
    const { count, ...values } = match.groups ?? {};
    return { key: `field.${key}`, values: { ...values, ...(count === undefined ? {} : { count: Number(count) }) } };
  }
  return undefined;
};
