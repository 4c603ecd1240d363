import { afterCommit, createBatcher, type Database, isUniqueViolation, retried } from '../../platform/db/index.ts';
import type { AuditBuffer, AuditEvent, AuditStatement, Clock } from '../../platform/ports.ts';
import type { ClientSource } from '../ports.ts';
import { createArtifactCopy } from './copy.ts';
import { type Facts, factsAlone, readFacts, readFactsByLookup } from './facts.ts';
import { isJoinable, type JoinedWrite, joinWrites, writtenOf } from './joined.ts';
import { createLifeCheck } from './life.ts';
import { type ArtifactRow, isSameSession } from './rows.ts';
import { createSeenFilter } from './seen.ts';
import { insertRevokedToken, readStructuredFacts, sweepRevokedTokens, type TokenOrigin } from './structured.ts';
import { currentUnit, runInUnit, Unit } from './unit.ts';
import { type ArtifactKey, type Changes, claimRow, isEmpty, noChanges, writeChanges } from './writes.ts';

export interface ArtifactStoreDeps {
  database: Database;
  clients: Pick<ClientSource, 'find'>;
  clock: Clock;
  /** Where what units record goes. */
  audit?: { statement: AuditStatement; buffer: AuditBuffer } | undefined;
}

/** A consumption came too late: somebody else was first. */
export class AlreadyConsumed extends Error {
  override readonly name = 'AlreadyConsumed';
  readonly kind: string;
  constructor(kind: string) {
    super(`${kind} was consumed by another request`);
    this.kind = kind;
  }
}

export type ArtifactStore = ReturnType<typeof createArtifactStore>;

export const createArtifactStore = ({ database, clients, clock, audit }: ArtifactStoreDeps) => {
  const { knex } = database;
  // One read in flight joins most; two writes, since one may wait for somebody's lock.
  const writeLanes = database.engine === 'embedded' ? 1 : 2;
  const sightings = createSeenFilter(clock);
  const reads = { maxInFlight: 1, maxItems: 100 };
  const fromDatabase = createBatcher((ids: readonly string[]) => readFacts(knex, ids), reads);
  const structured = createBatcher((origins: readonly TokenOrigin[]) => readStructuredFacts(knex, origins), reads);
  const copy = database.engine === 'embedded' ? createArtifactCopy(database) : undefined;
  const read = async (idHash: string): Promise<Facts[]> =>
    copy ? (copy.find(idHash) ?? (await copy.read(() => fromDatabase(idHash)))) : fromDatabase(idHash);
  const readByLookup = async (kind: string, lookup: string): Promise<Facts[]> => {
    const kept = kind === 'Session' ? copy?.findSession(lookup) : undefined;
    if (kept) return [kept];
    const load = async (): Promise<Facts[]> => [await readFactsByLookup(knex, kind, lookup)].flatMap((facts) => facts ?? []);
    return copy ? copy.read(load) : load();
  };

  interface Stored {
    hasSpent(key: ArtifactKey): boolean;
    /** What the process's own copy has to be told, once it is stored. */
    tell(): void;
  }

  const write = async (executor: typeof knex, changes: Changes): Promise<Stored> => {
    const now = clock.now();
    const run = () => writeChanges(executor, changes, { now, audit: audit?.statement });
    const { spent, replaced } = await (executor === knex ? retried(run) : run());
    const ids = new Set(spent);
    return {
      hasSpent: ({ id }) => ids.has(id),
      tell: () => copy?.apply(writtenOf(changes, ids), { now, isFresh: replaced === 0 }),
    };
  };

  /** @throws AlreadyConsumed */
  const writeWhole = async (executor: typeof knex, changes: Changes): Promise<() => void> => {
    const { hasSpent, tell } = await write(executor, changes);
    const lost = changes.consumed.find((key) => !hasSpent(key));
    if (lost) throw new AlreadyConsumed(lost.kind);
    return tell;
  };

  /** False where somebody else was first. */
  const together = createBatcher(
    async (writes: readonly JoinedWrite[]): Promise<boolean[]> => {
      const { changes, places } = joinWrites(writes);
      const { hasSpent, tell } = await write(knex, changes);
      tell();
      const outcomes: boolean[] = [];
      for (const [index, one] of writes.entries()) {
        if (places[index] !== 'apart') outcomes.push(places[index] === 'joined' && one.consumed.every(hasSpent));
        else {
          const alone = await write(knex, { ...noChanges, ...one });
          if (one.consumed.every(alone.hasSpent)) alone.tell();
          outcomes.push(one.consumed.every(alone.hasSpent));
        }
      }
      return outcomes;
    },
    { maxInFlight: writeLanes, maxItems: 100 },
  );

  const { isAlive, isAliveWithSession } = createLifeCheck({ clients, clock });

  const remember = (idHash: string, load: () => Promise<Facts[]>): Promise<Facts[]> => {
    const unit = currentUnit();
    if (!unit) return load();
    let facts = unit.reads.get(idHash);
    if (!facts) {
      facts = load();
      unit.reads.set(idHash, facts);
    }
    return facts;
  };

  /** What a read brought along needs no statement of its own. */
  const rememberRelated = ({ row, grant, session, account, device, revokedBefore }: Facts): void => {
    const unit = currentUnit();
    if (!unit) return;
    const related = (found: ArtifactRow | undefined): Promise<Facts[]> =>
      Promise.resolve(found ? [{ row: found, grant: undefined, session: undefined, account, device, revokedBefore }] : []);
    if (row.grantId !== null && !unit.reads.has(row.grantId)) unit.reads.set(row.grantId, related(grant));
    const lookup = row.sessionUid && `Session ${row.sessionUid}`;
    if (lookup && row.kind !== 'Session' && !unit.reads.has(lookup)) unit.reads.set(lookup, related(session));
  };

  const firstAlive = async (found: Facts[], kind: string): Promise<Facts | undefined> => {
    const facts = found.find(({ row }) => row.kind === kind);
    if (!facts || !(await isAlive(facts))) return undefined;
    rememberRelated(facts);
    return currentUnit()?.isConsumed(facts.row) ? { ...facts, row: { ...facts.row, consumedAt: clock.now() } } : facts;
  };

  const commit = async (changes: Changes, work: Unit['work']): Promise<void> => {
    if (work.length > 0) {
      await database.transaction(async (trx) => {
        let stored: (() => void) | undefined;
        afterCommit(trx, () => stored?.());
        stored = await writeWhole(trx, changes);
        for (const step of work) await step(trx);
      });
    } else if (isJoinable(changes)) {
      const [first] = changes.consumed;
      if (!(await together(changes)) && first) throw new AlreadyConsumed(first.kind);
    } else if (!isEmpty(changes)) (await writeWhole(knex, changes))();
  };

  /** Two tabs may give one session a new id at once: the later one wins. */
  const commitPastRenames = async (changes: Changes, work: Unit['work']): Promise<void> => {
    try {
      await commit(changes, work);
    } catch (error) {
      copy?.empty();
      if (!isUniqueViolation(error, 'oidc_artifacts_lookup')) throw error;
      const uids = changes.kept.filter(({ kind }) => kind === 'Session').map(({ lookup }) => lookup);
      await knex('oidc_artifacts').where({ kind: 'Session' }).whereIn('lookup', uids).delete();
      await commit(changes, work);
    }
  };

  const change = async (record: (unit: Unit) => void): Promise<void> => {
    const unit = currentUnit();
    if (unit) return record(unit);
    const own = new Unit();
    record(own);
    const { changes } = own.take();
    await commitPastRenames({ ...changes, events: [] }, []);
  };

  /** The core saves a session with each use; what this request has read of it and would write again is left as it is. */
  const isAsRead = async (row: ArtifactRow): Promise<boolean> => {
    const unit = currentUnit();
    if (row.kind !== 'Session' || !unit || unit.pending(row)) return false;
    const read = (await unit.reads.get(row.id))?.find((facts) => facts.row.kind === row.kind);
    return read !== undefined && isSameSession(read.row, row);
  };

  /** Events of what changes nothing do not make it wait. */
  const prepareEvents = (events: readonly AuditEvent[], isChange: boolean): Changes['events'] => {
    if (audit && isChange) return events.map((event) => audit.statement.prepare(event));
    for (const event of events) audit?.buffer.note(event);
    return [];
  };

  return {
    clock,
    /** Facts of a living artifact by the hash of its id. */
    find: async (kind: string, idHash: string): Promise<Facts | undefined> => {
      const pending = currentUnit()?.pending({ id: idHash, kind });
      if (pending) return pending === 'gone' ? undefined : factsAlone(pending);
      return firstAlive(await remember(idHash, () => read(idHash)), kind);
    },
    findByLookup: async (kind: string, lookup: string): Promise<Facts | undefined> => {
      const pending = currentUnit()?.pendingLookup(kind, lookup);
      if (pending) return factsAlone(pending);
      return firstAlive(await remember(`${kind} ${lookup}`, () => readByLookup(kind, lookup)), kind);
    },
    /** Facts of a living access token of one of the kinds, with the session it is bound to: for our own API. */
    findToken: async (kinds: readonly string[], idHash: string): Promise<Facts | undefined> => {
      const found = (await read(idHash)).find(({ row }) => kinds.includes(row.kind));
      return found && (await isAliveWithSession(found)) ? found : undefined;
    },
    /** The same for a JWT access token, of which nothing is stored. */
    findStructured: async (origin: TokenOrigin): Promise<Facts | undefined> => {
      const found = await structured(origin);
      return found && (await isAliveWithSession(found)) ? found : undefined;
    },
    /** @param event commits with it */
    revokeStructured: async ({ jti, expiresAt }: Pick<TokenOrigin, 'jti' | 'expiresAt'>, event: AuditEvent): Promise<void> => {
      const unit = currentUnit();
      if (!unit) throw new Error('a token is revoked inside a request');
      unit.record(event);
      unit.enlistEnding((trx) => insertRevokedToken(trx, jti, expiresAt));
    },
    keep: async (row: ArtifactRow): Promise<void> => {
      if (!(await isAsRead(row))) await change((unit) => unit.keep(row));
    },
    destroy: (key: ArtifactKey): Promise<void> => change((unit) => unit.destroy(key)),
    consume: (key: ArtifactKey): Promise<void> => change((unit) => unit.consume(key)),
    revokeGrant: (grantId: string): Promise<void> => change((unit) => unit.revokeGrant(grantId)),
    /** RFC 9449 §11.1 and the like: true for the first to present the id, on whatever replica. */
    claimOnce: (row: ArtifactRow): Promise<boolean> => claimRow(knex, row),
    /**
     * Runs `work` as one unit: its changes commit together when it ends, together with what was enlisted.
     * @throws AlreadyConsumed when another request was first
     */
    inUnit: async <Result>(work: (unit: Unit) => Promise<Result>): Promise<Result> => {
      const unit = new Unit();
      const result = await runInUnit(unit, () => work(unit));
      const { changes, work: enlisted, events } = unit.take();
      const isChange = enlisted.length > 0 || !isEmpty(changes);
      const seen = sightings.due(changes.seen);
      await commitPastRenames({ ...changes, seen, events: prepareEvents(events, isChange) }, enlisted);
      if (isChange) sightings.note(seen);
      unit.settle();
      return result;
    },
    /** Removes up to `limit` expired rows; several replicas may sweep at once. @returns how many went */
    sweep: async (limit: number): Promise<number> => {
      const now = clock.now();
      const expired = knex('oidc_artifacts')
        .select('id', 'kind')
        .where('expires_at', '<', now)
        .orderBy('expires_at')
        .limit(limit);
      const artifacts = await knex('oidc_artifacts').whereIn(['id', 'kind'], expired.forUpdate().skipLocked()).delete();
      return artifacts + (await sweepRevokedTokens(knex, now, limit));
    },
  };
};
