import { type TSchema, Type } from '@sinclair/typebox';
import { isUuid } from '../crypto/index.ts';
import { errors } from '../errors/index.ts';
import { isMoment } from './moments.ts';
import type { RequestInfo } from './types.ts';

/** `?limit=&cursor=` of every list (CONTRACT.md). Spread into the query schema of a route. */
export const ListQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
};

const closed = { additionalProperties: false };

/** The query of a list that has no filters. */
export const PageQuery = Type.Object(ListQuery, closed);

/** A page of a list (CONTRACT.md). */
export const listOf = <Item extends TSchema>(item: Item) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) }, closed);

/** An opaque place in a list: the sort key of the last row seen. */
export const encodeCursor = (place: readonly string[]): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/** What stands at one place of a cursor: a sort key is compared in SQL, which fails on what is not of its type. */
const cursorParts = {
  text: (part: string) => !part.includes('\0'),
  uuid: isUuid,
  time: isMoment,
};
type CursorPart = keyof typeof cursorParts;
type Place<Parts extends readonly CursorPart[]> = { -readonly [Index in keyof Parts]: string };

/** @throws invalid_request for a cursor that we did not make */
export const decodeCursor = <const Parts extends readonly CursorPart[]>(
  cursor: string | undefined,
  ...parts: Parts
): Place<Parts> | undefined => {
  if (cursor === undefined) return undefined;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const fits = (part: CursorPart, index: number): boolean => {
      const text: unknown = (place as unknown[])[index];
      return typeof text === 'string' && cursorParts[part](text);
    };
    if (Array.isArray(place) && place.length === parts.length && parts.every(fits)) return place as Place<Parts>;
  } catch {
    // Falls through to the refusal.
  }
  throw errors.invalid_request({ errors: [{ path: 'query/cursor', message: 'is not a cursor of this list' }] });
};

/** Cuts the surplus row that tells whether there is a next page. @param rows one more than `limit`, where there are that many */
export const pageOfItems = <Row, Item>(
  rows: readonly Row[],
  limit: number,
  place: (row: Row) => readonly string[],
  view: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } => {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(view), nextCursor: last === undefined ? null : encodeCursor(place(last)) };
};

/** RFC 9110 §8.8.3. @param version counts up with every change of the object */
export const etagOf = (version: number): string => `"${version}"`;

/** RFC 9110 §13.1.1. @throws precondition_required, precondition_failed */
export const requireMatch = (request: RequestInfo, version: number): void => {
  const condition = request.header('if-match');
  if (condition === undefined) throw errors.precondition_required();
  const tags = condition.split(',').map((tag) => tag.trim());
  if (!tags.includes(etagOf(version)) && !tags.includes('*')) throw errors.precondition_failed();
};
