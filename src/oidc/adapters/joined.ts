import type { PreparedEvent } from '../../platform/ports.ts';
import type { ArtifactRow } from './rows.ts';
import { type Changes, noChanges, type Seen } from './writes.ts';

/** What one request writes that may share a statement, and a commit, with others: it spends one thing at most and takes nothing away. */
export type JoinedWrite = Pick<Changes, 'kept' | 'consumed' | 'events' | 'seen'>;

/**
 * `joined`: part of the statement. `late`: another request of the same statement spends the same. `apart`: it replaces a row that
 * another replaces too, and which of them counts is not known before one of them has spent its own.
 */
export type Place = 'joined' | 'late' | 'apart';

const rowKey = ({ kind, id }: ArtifactRow): string => `${kind} ${id}`;

const placesOf = (writes: readonly JoinedWrite[]): Place[] => {
  const spending = new Set<string>();
  const rows = new Map<string, { isConditional: boolean }>();
  return writes.map(({ kept, consumed: [first] }) => {
    if (first && spending.has(first.id)) return 'late';
    const isConditional = first !== undefined;
    const isContested = kept.some((row) => {
      const other = rows.get(rowKey(row));
      return other !== undefined && (isConditional || other.isConditional);
    });
    if (isContested) return 'apart';
    if (first) spending.add(first.id);
    for (const row of kept) rows.set(rowKey(row), { isConditional });
    return 'joined';
  });
};

/** One row a session, and in one order: rows that two statements touch never wait for each other in a circle. */
const seenOf = (writes: readonly JoinedWrite[]): Seen[] => {
  const sessions = new Map(writes.flatMap(({ seen }) => seen).map((one) => [one.sessionUid, one]));
  return [...sessions.values()].sort((a, b) => (a.sessionUid < b.sessionUid ? -1 : 1));
};

/** One statement for as many of the writes as can share it. */
export const joinWrites = (writes: readonly JoinedWrite[]): { changes: Changes; places: readonly Place[] } => {
  const places = placesOf(writes);
  const joined = writes.filter((_write, index) => places[index] === 'joined');
  const needs = new Map<ArtifactRow | PreparedEvent, string>();
  for (const { kept, events, consumed } of joined) {
    const [first] = consumed;
    if (first) for (const one of [...kept, ...events]) needs.set(one, first.id);
  }
  const rows = new Map(joined.flatMap(({ kept }) => kept).map((row) => [rowKey(row), row]));
  const consumed = joined.flatMap((write) => write.consumed).sort((a, b) => (a.id < b.id ? -1 : 1));
  const events = joined.flatMap((write) => write.events);
  // In one order as well.
  const kept = [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { changes: { ...noChanges, kept, consumed, events, seen: seenOf(joined), needs }, places };
};

/** One thing spent at most, nothing taken away, and something to write. */
export const isJoinable = ({ kept, consumed, destroyed, revokedGrants }: Changes): boolean =>
  destroyed.length + revokedGrants.length === 0 && consumed.length < 2 && kept.length + consumed.length > 0;

/** What came of it. @param spent ids that the statement spent */
export const writtenOf = (changes: Changes, spent: ReadonlySet<string>): Changes => ({
  ...changes,
  consumed: changes.consumed.filter(({ id }) => spent.has(id)),
  kept: changes.kept.filter((row) => {
    const need = changes.needs?.get(row);
    return need === undefined || spent.has(need);
  }),
});
