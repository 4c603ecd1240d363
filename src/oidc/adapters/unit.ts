import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEvent } from '../../platform/ports.ts';
import type { Transaction } from '../ports.ts';
import type { Facts } from './facts.ts';
import type { ArtifactRow } from './rows.ts';
import type { ArtifactKey, Seen } from './writes.ts';

/** Work that commits with the unit: device rows, audit events, messages. */
export type EnlistedWork = (trx: Transaction) => Promise<void>;

const keyOf = ({ id, kind }: ArtifactKey): string => `${kind} ${id}`;

/**
 * What one request reads and changes. Changes leave together at its end, in one statement, so that a process that dies leaves
 * either a spent code with its tokens or neither; reads see them before.
 */
export class Unit {
  /** Hashes of what was presented: the core looks for one token among three kinds. */
  readonly hashes = new Map<string, string>();
  /** Reads of this request, by id hash or `lookup`. */
  readonly reads = new Map<string, Promise<Facts[]>>();
  readonly work: EnlistedWork[] = [];
  readonly #endings: EnlistedWork[] = [];
  readonly #kept = new Map<string, ArtifactRow>();
  readonly #destroyed = new Map<string, ArtifactKey>();
  readonly #consumed = new Map<string, ArtifactKey>();
  readonly #revokedGrants = new Set<string>();
  readonly #events: AuditEvent[] = [];
  readonly #seen = new Map<string, Seen>();
  readonly #afterwards: (() => void)[] = [];

  keep(row: ArtifactRow): void {
    this.#destroyed.delete(keyOf(row));
    this.#kept.set(keyOf(row), row);
  }

  destroy(key: ArtifactKey): void {
    this.#kept.delete(keyOf(key));
    this.#destroyed.set(keyOf(key), key);
  }

  consume(key: ArtifactKey): void {
    this.#consumed.set(keyOf(key), key);
  }

  revokeGrant(grantId: string): void {
    this.#revokedGrants.add(grantId);
    for (const [key, row] of this.#kept) if (row.grantId === grantId) this.#kept.delete(key);
  }

  /** Rides in the statement that writes the changes (PERFORMANCE.md, row 10); buffered where nothing changes (FEATURES C5). */
  record(event: AuditEvent): void {
    this.#events.push(event);
  }

  /** Notes the use of a session beside its device, in the statement that writes the changes. */
  see(seen: Seen): void {
    this.#seen.set(seen.sessionUid, seen);
  }

  /** Commits with the rest of the unit, in statements of its own. */
  enlist(work: EnlistedWork): void {
    this.work.push(work);
  }

  /** The same for what ends something: it stays when the request is refused. */
  enlistEnding(work: EnlistedWork): void {
    this.#endings.push(work);
  }

  /** Runs once everything is stored; not after a failure. */
  afterwards(note: () => void): void {
    this.#afterwards.push(note);
  }

  /** A refused request gives nothing out and spends nothing; what it destroyed or revoked stays so. */
  refuse(): void {
    this.#kept.clear();
    this.#consumed.clear();
    this.#seen.clear();
    this.work.length = 0;
    this.#afterwards.length = 0;
  }

  pending(key: ArtifactKey): ArtifactRow | 'gone' | undefined {
    if (this.#destroyed.has(keyOf(key))) return 'gone';
    return this.#kept.get(keyOf(key));
  }

  pendingLookup(kind: string, lookup: string): ArtifactRow | undefined {
    return [...this.#kept.values()].find((row) => row.kind === kind && row.lookup === lookup);
  }

  isGone(row: ArtifactRow): boolean {
    return this.#destroyed.has(keyOf(row)) || (row.grantId !== null && this.#revokedGrants.has(row.grantId));
  }

  isConsumed(row: ArtifactRow): boolean {
    return this.#consumed.has(keyOf(row));
  }

  /** Hands the changes out once. */
  take() {
    const changes = {
      kept: [...this.#kept.values()],
      destroyed: [...this.#destroyed.values()],
      consumed: [...this.#consumed.values()],
      revokedGrants: [...this.#revokedGrants],
      seen: [...this.#seen.values()],
    };
    this.#seen.clear();
    const work = [...this.work.splice(0), ...this.#endings.splice(0)];
    const events = this.#events.splice(0);
    for (const collection of [this.#kept, this.#destroyed, this.#consumed, this.#revokedGrants, this.reads]) collection.clear();
    return { changes, work, events };
  }

  settle(): void {
    for (const note of this.#afterwards.splice(0)) note();
  }
}

const storage = new AsyncLocalStorage<Unit>();

/** The unit of the request being answered, if there is one. */
export const currentUnit = (): Unit | undefined => storage.getStore();

export const runInUnit = <Result>(unit: Unit, work: () => Promise<Result>): Promise<Result> => storage.run(unit, work);
