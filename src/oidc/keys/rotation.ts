import type { Envelope } from '../../platform/crypto/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import { generateKey, type SigningAlgorithm } from './generate.ts';
import type { KeyRepository, KeyRow, KeyState } from './repository.ts';
import { isReadable } from './set.ts';

type KeyEvent = 'key.activated' | 'key.created' | 'key.retired' | 'key.withdrawn';

/** Key pairs made before the transaction that stores them: making one takes longer than a lock should be held. */
export type Spares = Map<SigningAlgorithm, KeyRow[]>;

export const makeSpares = async (algorithms: readonly SigningAlgorithm[], envelope: Envelope, clock: Clock): Promise<Spares> => {
  const pairs = algorithms.map(async (alg) => {
    const made = await Promise.all([generateKey(alg, envelope, clock.now()), generateKey(alg, envelope, clock.now())]);
    return [alg, made] as const;
  });
  return new Map(await Promise.all(pairs));
};

interface RotationDeps {
  envelope: Envelope;
  keys: KeyRepository;
  audit: AuditSink;
  /** Who asked for it; the system where nobody did. */
  actor: Actor | undefined;
  now: Date;
  /** How long a retired key stays published. */
  overlapSeconds: number;
  spares: Spares;
}

/** The steps of a key's life, all inside one transaction that holds the rotation lock. */
export const createRotation = ({ envelope, keys, audit, actor, now, overlapSeconds, spares }: RotationDeps) => {
  const note = (type: KeyEvent, { kid, alg }: KeyRow): Promise<void> =>
    audit.record({ type, outcome: 'success', actor, target: { type: 'key', id: kid }, details: { alg } });

  const spare = async (alg: SigningAlgorithm): Promise<KeyRow> =>
    spares.get(alg)?.pop() ?? (await generateKey(alg, envelope, now));

  const withdraw = async (row: KeyRow): Promise<void> => {
    await keys.move(row.kid, row.state, { state: 'withdrawn', expires_at: null });
    await note('key.withdrawn', row);
  };

  const publishNext = async (alg: SigningAlgorithm): Promise<void> => {
    const row = await spare(alg);
    if (await keys.insert(row)) await note('key.created', row);
  };

  const retire = async (row: KeyRow): Promise<void> => {
    const expires_at = new Date(now.getTime() + overlapSeconds * 1000);
    await keys.move(row.kid, 'active', { state: 'retired', retired_at: now, expires_at });
    await note('key.retired', row);
  };

  const activate = async (alg: SigningAlgorithm, next: KeyRow | undefined): Promise<void> => {
    const row = next ?? (await spare(alg));
    if (next) await keys.move(next.kid, 'next', { state: 'active', activated_at: now });
    else await keys.insert({ ...row, state: 'active', activated_at: now });
    await note('key.activated', row);
  };

  /** next → active, active → retired, and a new next. A next that cannot be opened is not taken (F-19). */
  const rotate = async (alg: SigningAlgorithm): Promise<void> => {
    const rows = (await keys.list()).filter((row) => row.alg === alg);
    const active = rows.find(({ state }) => state === 'active');
    const next = rows.find(({ state }) => state === 'next');
    const isUsable = next !== undefined && isReadable(next, envelope);
    if (active) await retire(active);
    if (next && !isUsable) await withdraw(next);
    await activate(alg, isUsable ? next : undefined);
    await publishNext(alg);
  };

  return {
    withdraw,
    rotate,
    /** Puts another key in the place of this one. @returns the state it is in afterwards */
    replace: async (alg: SigningAlgorithm, row: KeyRow | undefined): Promise<KeyState | undefined> => {
      if (row?.state === 'active') await rotate(alg);
      if (row?.state !== 'next') return row && 'retired';
      await withdraw(row);
      await publishNext(alg);
      return 'withdrawn';
    },
  };
};
