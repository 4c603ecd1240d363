import type { Envelope } from '../../platform/crypto/index.ts';
import type { Logger } from '../../platform/logging/index.ts';
import type { Actor, AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { KeySource } from '../ports.ts';
import { type SigningAlgorithm, signingAlgorithms } from './generate.ts';
import type { KeyRepository, KeyRow, KeyState } from './repository.ts';
import { createRotation, makeSpares } from './rotation.ts';
import { inOrder, type LoadedKeys, loadKeySet } from './set.ts';

export interface KeyDeps {
  clock: Clock;
  envelope: Envelope;
  logger: Logger;
  keys: KeyRepository;
  /** `announce` tells the other processes once the transaction has committed. */
  inTransaction: InTransaction<{ keys: KeyRepository; audit: AuditSink; announce: () => Promise<void> }>;
  /** Not rotated unless it is named. */
  isLeftAlone?: (alg: string) => boolean;
}

export interface KeyView {
  kid: string;
  alg: string;
  state: KeyState;
  createdAt: string;
  activatedAt: string | null;
  retiredAt: string | null;
  expiresAt: string | null;
}

export interface Keys extends KeySource {
  /** Loads, makes what is missing. @throws EnvelopeError for a wrong MASTER_KEY */
  prepare(): Promise<void>;
  list(): Promise<KeyView[]>;
  /**
   * next → active, active → retired, and a new next, for one algorithm (made where there is none yet) or all that exist. A
   * retired key stays published for the longest life of what it signed.
   * @throws key_algorithm_unknown
   */
  rotate(alg?: string, actor?: Actor): Promise<KeyView[]>;
  /** Takes a key out of use; what it signed stays good until it ends. @throws key_not_found */
  retire(kid: string, actor?: Actor): Promise<void>;
  /** Takes a key out at once: what it signed is refused from now on (OP-08). @throws key_not_found */
  withdraw(kid: string, actor?: Actor): Promise<void>;
  /** The job: rotates what is older than 90 days and removes what has been retired long enough. */
  maintain(): Promise<void>;
  /** Reads the table again: after somebody's rotation, and from time to time in case the news was lost. */
  reload(): Promise<void>;
}

/** Refresh tokens live seven days, ID token hints as long: a retired key stays that long at least, and a day. */
const shortestOverlapSeconds = 8 * 86_400;
const daySeconds = 86_400;
const rotationSeconds = 90 * 86_400;

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
const view = (row: KeyRow): KeyView => ({
  kid: row.kid,
  alg: row.alg,
  state: row.state,
  createdAt: row.created_at.toISOString(),
  activatedAt: iso(row.activated_at),
  retiredAt: iso(row.retired_at),
  expiresAt: iso(row.expires_at),
});

const isAlgorithm = (alg: string): alg is SigningAlgorithm => (signingAlgorithms as readonly string[]).includes(alg);
const algorithmsOf = (rows: readonly KeyRow[]): SigningAlgorithm[] => [
  ...new Set(rows.map(({ alg }) => alg).filter(isAlgorithm)),
];

const withKid = (rows: readonly KeyRow[], kid: string): KeyRow | undefined => rows.find((row) => row.kid === kid);

export const createKeys = (deps: KeyDeps): Keys => {
  const { clock, envelope, logger, keys, inTransaction, isLeftAlone = () => false } = deps;
  let loaded: LoadedKeys | undefined;
  const listeners = new Set<() => void>();

  const load = async (): Promise<LoadedKeys> => {
    const fresh = loadKeySet(await keys.list(), envelope, logger);
    const hasChanged = loaded?.fingerprint !== fresh.fingerprint;
    const isFirst = loaded === undefined;
    if (hasChanged) loaded = fresh;
    if (hasChanged && !isFirst) for (const listener of listeners) listener();
    return loaded ?? fresh;
  };

  type Rotation = ReturnType<typeof createRotation>;

  /** One change at a time over all replicas; whoever waited starts from what it finds. */
  const change = async (
    spareFor: readonly SigningAlgorithm[],
    work: (rotation: Rotation, rows: KeyRow[]) => Promise<unknown>,
    actor?: Actor,
  ): Promise<void> => {
    const spares = await makeSpares(spareFor, envelope, clock);
    await inTransaction(async ({ keys: repository, audit, announce }) => {
      await repository.lock();
      const longest = await repository.longestLifetimeSeconds();
      const overlapSeconds = Math.max(shortestOverlapSeconds, longest + daySeconds);
      const deps = { envelope, keys: repository, audit, actor, now: clock.now(), overlapSeconds, spares };
      await work(createRotation(deps), await repository.list());
      await announce();
    });
    await load();
  };

  const rotateWhere = async (isDue: (rows: readonly KeyRow[]) => SigningAlgorithm[]): Promise<void> => {
    const due = isDue(await keys.list());
    if (due.length === 0) return;
    await change(due, async (rotation, rows) => {
      const still = isDue(rows);
      for (const alg of due.filter((one) => still.includes(one))) await rotation.rotate(alg);
    });
  };

  const existing = async (kid: string): Promise<KeyRow & { alg: SigningAlgorithm }> => {
    const row = (await keys.list()).find((one) => one.kid === kid);
    if (!row || !isAlgorithm(row.alg)) throw errors.key_not_found();
    return { ...row, alg: row.alg };
  };

  const ageSeconds = (row: KeyRow): number => (clock.now().getTime() - (row.activated_at ?? row.created_at).getTime()) / 1000;
  const missing = (rows: readonly KeyRow[]): SigningAlgorithm[] =>
    signingAlgorithms.filter((alg) => !rows.some((row) => row.alg === alg && row.state === 'active'));

  return {
    prepare: async () => {
      // F-19: a wrong MASTER_KEY is found out before anything is written.
      await load();
      await rotateWhere(missing);
    },
    current: async () => (loaded ?? (await load())).privateKeys,
    publicJwks: async () => (loaded ?? (await load())).publicKeys,
    onChange: (handler) => void listeners.add(handler),
    list: async () => inOrder(await keys.list()).map(view),
    rotate: async (alg, actor) => {
      if (alg !== undefined && !isAlgorithm(alg)) {
        throw errors.key_algorithm_unknown({ detail: `Signing algorithms are ${signingAlgorithms.join(', ')}` });
      }
      const all = (): Promise<SigningAlgorithm[]> => keys.list().then(algorithmsOf);
      const chosen = alg === undefined ? (await all()).filter((one) => !isLeftAlone(one)) : [alg];
      const rotateEach = async (rotation: Rotation): Promise<void> => {
        for (const one of chosen) await rotation.rotate(one);
      };
      await change(chosen, rotateEach, actor);
      return inOrder(await keys.list()).map(view);
    },
    retire: async (kid, actor) => {
      const { alg, state } = await existing(kid);
      if (state === 'retired') throw errors.key_retired();
      await change([alg], (rotation, rows) => rotation.replace(alg, withKid(rows, kid)), actor);
    },
    withdraw: async (kid, actor) => {
      const { alg } = await existing(kid);
      const takeOut = async (rotation: Rotation, rows: readonly KeyRow[]): Promise<void> => {
        const row = withKid(rows, kid);
        const state = await rotation.replace(alg, row);
        if (row && state === 'retired') await rotation.withdraw({ ...row, state });
      };
      await change([alg], takeOut, actor);
    },
    maintain: async () => {
      await keys.removeExpired(clock.now());
      await rotateWhere((rows) =>
        algorithmsOf(rows.filter((row) => row.state === 'active' && ageSeconds(row) > rotationSeconds)),
      );
      await load();
    },
    reload: async () => void (await load()),
  };
};
