import type { PageContext } from '../../../platform/http/index.ts';

/** A filter in force, as a chip that takes it away. */
export interface Chip {
  name: string;
  value: string;
  href: string;
}

export interface ListState<Name extends string> {
  filters: Partial<Record<Name, string>>;
  chips: readonly Chip[];
  cursor: string | undefined;
  /** The rows shown at once. */
  limit: number;
  /** Where the list goes on, and back at its beginning; for the template's pager. */
  pager(nextCursor: string | null): { next: string | undefined; first: string | undefined };
}

export const pageSize = 50;

/** The state of a list is its address: filters, and the place in it. */
export const readList = <Name extends string>({ query, ctx }: PageContext, names: readonly Name[]): ListState<Name> => {
  const { path } = ctx;
  const given = names.flatMap((name): [Name, string][] => {
    const value = query[name]?.trim() ?? '';
    return value === '' ? [] : [[name, value]];
  });
  const address = (parameters: readonly [string, string][]): string =>
    parameters.length === 0 ? path : `${path}?${new URLSearchParams([...parameters])}`;
  const { cursor } = query;
  return {
    filters: Object.fromEntries(given) as Partial<Record<Name, string>>,
    chips: given.map(([name, value]) => ({ name, value, href: address(given.filter(([other]) => other !== name)) })),
    cursor,
    limit: pageSize,
    pager: (nextCursor) => ({
      next: nextCursor === null ? undefined : address([...given, ['cursor', nextCursor]]),
      first: cursor === undefined ? undefined : address(given),
    }),
  };
};
