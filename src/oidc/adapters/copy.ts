import { LRUCache } from 'lru-cache';
import type { Database } from '../../platform/db/index.ts';
import type { Facts } from './facts.ts';
import type { ArtifactRow } from './rows.ts';
import { type ArtifactKey, type Changes, isOwnWrite } from './writes.ts';

/** Payloads are kept as text: the library changes what it is given, and nobody may change what is kept. */
type KeptRow = Omit<ArtifactRow, 'payload'> & { payload: string };

/** Rows of an id. */
type KeptRows = readonly KeptRow[];

/** A read under way: rows that were changed meanwhile are not kept. */
interface Flight {
  changed: Set<string>;
  isStale: boolean;
}

export type ArtifactCopy = ReturnType<typeof createArtifactCopy>;

const maxRows = 20_000;
const maxRelated = 5000;

const toKept = (row: ArtifactRow): KeptRow => ({ ...row, payload: JSON.stringify(row.payload) });
const fromKept = (row: KeptRow): ArtifactRow => ({ ...row, payload: JSON.parse(row.payload) as Record<string, unknown> });

/**
 * What the one process that owns an embedded database has read or written of its artifacts (PERFORMANCE.md, row 8). Exact: changes of the
 * store are applied once they are stored; every other statement that may change one of the tables empties the copy before it runs and
 * when it has run, on the one connection that all reads wait for. What is not certain is not answered from here.
 */
export const createArtifactCopy = ({ onWrite }: Pick<Database, 'onWrite'>) => {
  const rows = new LRUCache<string, KeptRows>({ max: maxRows });
  /** Ids of sessions by the hash of their uid. */
  const sessions = new LRUCache<string, string>({ max: maxRelated });
  const accounts = new LRUCache<string, NonNullable<Facts['account']>>({ max: maxRelated });
  const devices = new LRUCache<string, { device: Facts['device'] }>({ max: maxRelated });
  /** The moment of everything; unknown while nothing was read. */
  const moment = new Map<'everything', Date | null>();
  const flights = new Set<Flight>();

  const empty = (...parts: readonly { clear(): void }[]): void => {
    for (const part of parts) part.clear();
    for (const flight of flights) flight.isStale = true;
  };
  onWrite(['oidc_artifacts'], (sql) => {
    if (!isOwnWrite(sql)) empty(rows, sessions);
  });
  onWrite(['users'], () => empty(accounts, devices));
  onWrite(['revocations'], () => empty(moment));
  // The store notes when a session was last seen, which decides nothing.
  onWrite(['sessions'], (sql) => {
    if (!isOwnWrite(sql)) empty(devices);
  });

  const forget = (id: string): void => {
    rows.delete(id);
    for (const flight of flights) flight.changed.add(id);
  };

  const put = (row: ArtifactRow): void => {
    const others = (rows.get(row.id) ?? []).filter(({ kind }) => kind !== row.kind);
    rows.set(row.id, [...others, toKept(row)]);
    if (row.kind === 'Session' && row.lookup !== null) sessions.set(row.lookup, row.id);
  };

  const one = (kind: string, id: string): KeptRow | undefined => rows.get(id)?.find((row) => row.kind === kind);

  const grantOf = ({ grantId }: KeptRow): KeptRow | undefined => (grantId === null ? undefined : one('Grant', grantId));
  const sessionOf = ({ sessionUid }: KeptRow): KeptRow | undefined => {
    const id = sessionUid === null ? undefined : sessions.get(sessionUid);
    const session = id === undefined ? undefined : one('Session', id);
    return session?.lookup === sessionUid ? session : undefined;
  };

  const accountOf = ({ accountId }: KeptRow) => (accountId === null ? undefined : accounts.get(accountId));
  const deviceOf = ({ sessionUid }: KeptRow) => (sessionUid === null ? undefined : devices.get(sessionUid));

  const isWhole = (
    row: KeptRow,
    { grant, session, account, device }: Record<'grant' | 'session' | 'account' | 'device', unknown>,
  ): boolean => {
    if (row.grantId !== null && !grant) return false;
    if (row.sessionUid !== null && !(session && device)) return false;
    return row.accountId === null || account !== undefined;
  };

  /** `undefined` when anything that decides is not here. */
  const factsOf = (row: KeptRow): Facts | undefined => {
    const [grant, session, account, device] = [grantOf(row), sessionOf(row), accountOf(row), deviceOf(row)];
    const revokedBefore = moment.get('everything');
    if (revokedBefore === undefined || !isWhole(row, { grant, session, account, device })) return undefined;
    return {
      row: fromKept(row),
      grant: grant && fromKept(grant),
      session: session && fromKept(session),
      account,
      device: device?.device,
      revokedBefore,
    };
  };

  const keepFacts = ({ changed }: Flight, { row, grant, session, account, device, revokedBefore }: Facts): void => {
    moment.set('everything', revokedBefore);
    for (const found of [row, grant, session]) if (found && !changed.has(found.id)) put(found);
    if (row.accountId !== null && account) accounts.set(row.accountId, account);
    if (row.sessionUid !== null) devices.set(row.sessionUid, { device });
  };

  const consume = ({ id, kind }: ArtifactKey, now: Date): void => {
    const found = one(kind, id);
    forget(id);
    if (found) put({ ...fromKept(found), consumedAt: now });
  };

  /** What replaces a row keeps some of its columns (`writes.ts`), which only the database knows where nothing is kept of them here. */
  const replace = (row: ArtifactRow, isFresh: boolean): void => {
    const before = one(row.kind, row.id);
    forget(row.id);
    if (isFresh) put(row);
    else if (before) {
      const { consumedAt, createdAt, lookup } = before;
      put({ ...row, consumedAt, createdAt, lookup: row.lookup ?? lookup });
    }
  };

  const revoke = (grantIds: readonly string[]): void => {
    const revoked = new Set(grantIds);
    for (const [id, found] of rows.entries()) {
      if (found.some(({ grantId }) => grantId !== null && revoked.has(grantId))) forget(id);
    }
    for (const flight of flights) flight.isStale = true;
  };

  return {
    find: (idHash: string): Facts[] | undefined => {
      const facts = rows.get(idHash)?.map(factsOf);
      return facts?.every((found) => found !== undefined) ? (facts as Facts[]) : undefined;
    },
    findSession: (lookup: string): Facts | undefined => {
      const id = sessions.get(lookup);
      const found = id === undefined ? undefined : one('Session', id);
      return found?.lookup === lookup ? factsOf(found) : undefined;
    },
    /** Reads through: what is found is kept unless it was changed while the read was under way. */
    read: async <Found extends readonly Facts[]>(load: () => Promise<Found>): Promise<Found> => {
      const flight: Flight = { changed: new Set(), isStale: false };
      flights.add(flight);
      try {
        const found = await load();
        if (!flight.isStale) for (const facts of found) keepFacts(flight, facts);
        return found;
      } finally {
        flights.delete(flight);
      }
    },
    /** Once they are stored. @param isFresh none of `kept` was there before */
    apply: ({ kept, destroyed, consumed, revokedGrants }: Changes, { now, isFresh }: { now: Date; isFresh: boolean }): void => {
      for (const { id } of destroyed) forget(id);
      if (revokedGrants.length > 0) revoke(revokedGrants);
      for (const key of consumed) consume(key, now);
      for (const row of kept) replace(row, isFresh);
    },
    empty: (): void => empty(rows, sessions, accounts, devices, moment),
  };
};
