import type { Envelope } from '../../platform/crypto/index.ts';
import type { Logger } from '../../platform/logging/index.ts';
import type { AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { JsonWebKeySet, KeySource } from '../ports.ts';
import { generateKey, type SigningAlgorithm, sealContext, signingAlgorithms } from './generate.ts';
import type { KeyRepository, KeyRow, KeyState } from './repository.ts';

export interface KeyDeps {
  clock: Clock;
  envelope: Envelope;
  logger: Logger;
  keys: KeyRepository;
  inTransaction: InTransaction<{ keys: KeyRepository; audit: AuditSink; announce: () => void }>;
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
  /** Makes what the first start lacks, re-seals with the current master key, and loads. @throws EnvelopeError for a wrong MASTER_KEY */
  prepare(): Promise<void>;
  list(): Promise<KeyView[]>;
  /**
   * next → active, active → retired, and a new next, for one algorithm or all. A retired key stays published for the longest life
   * of what it signed. @throws key_not_found for an algorithm that has no keys and cannot have
   */
  rotate(alg?: string): Promise<KeyView[]>;
  /** Takes a key out at once: what it signed is refused from now on (OP-08). @throws key_not_found */
  withdraw(kid: string): Promise<void>;
  /** The job: rotates what is older than 90 days and removes what has been retired long enough. */
  maintain(): Promise<void>;
  /** Reads the table again, in every process after somebody's rotation. */
  reload(): Promise<void>;
}

/** Refresh tokens live seven days, ID token hints as long: a retired key stays that long and a day. */
const overlapSeconds = 8 * 86_400;
const rotationSeconds = 90 * 86_400;
const firstAlgorithms: readonly SigningAlgorithm[] = ['RS256', 'ES256'];

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

// The library signs with the first key of an algorithm.
const order: Record<KeyState, number> = { active: 0, next: 1, retired: 2, withdrawn: 3 };
const inOrder = (rows: readonly KeyRow[]): KeyRow[] => [...rows].sort((a, b) => order[a.state] - order[b.state]);

const isAlgorithm = (alg: string): alg is SigningAlgorithm => (signingAlgorithms as readonly string[]).includes(alg);

export const createKeys = ({ clock, envelope, logger, keys, inTransaction }: KeyDeps): Keys => {
  let loaded: { privateKeys: JsonWebKeySet; publicKeys: JsonWebKeySet; fingerprint: string } | undefined;
  const listeners = new Set<() => void>();

  const open = (row: KeyRow): Record<string, unknown>[] => {
    try {
      return [JSON.parse(envelope.open(row.private_jwk_sealed, sealContext(row.kid)))];
    } catch (error) {
      // F-19: an unreadable retired key is left out, a current one stops the start.
      if (row.state !== 'retired') throw error;
      logger.error({ kid: row.kid }, 'a retired signing key cannot be opened and is left out');
      return [];
    }
  };

  const load = async (): Promise<NonNullable<typeof loaded>> => {
    const rows = inOrder(await keys.list());
    const fingerprint = rows.map(({ kid, state }) => `${kid}:${state}`).join(' ');
    const hasChanged = loaded !== undefined && loaded.fingerprint !== fingerprint;
    if (loaded === undefined || hasChanged) {
      loaded = {
        privateKeys: { keys: rows.flatMap(open) },
        publicKeys: { keys: rows.map((row) => row.public_jwk) },
        fingerprint,
      };
    }
    if (hasChanged) for (const listener of listeners) listener();
    return loaded;
  };

  const rotateOne = async (alg: SigningAlgorithm, repository: KeyRepository, audit: AuditSink): Promise<void> => {
    const now = clock.now();
    const rows = (await repository.list()).filter((row) => row.alg === alg);
    const active = rows.find(({ state }) => state === 'active');
    const next = rows.find(({ state }) => state === 'next') ?? (await generateKey(alg, envelope, now));
    const note = (type: 'key.activated' | 'key.created' | 'key.retired', kid: string): Promise<void> =>
      audit.record({ type, outcome: 'success', target: { type: 'key', id: kid }, details: { alg } });
    if (active) {
      const expires_at = new Date(now.getTime() + overlapSeconds * 1000);
      await repository.move(active.kid, 'active', { state: 'retired', retired_at: now, expires_at });
      await note('key.retired', active.kid);
    }
    if (rows.includes(next)) await repository.move(next.kid, 'next', { state: 'active', activated_at: now });
    else await repository.insert({ ...next, state: 'active', activated_at: now });
    await note('key.activated', next.kid);
    const following = await generateKey(alg, envelope, now);
    await repository.insert(following);
    await note('key.created', following.kid);
  };

  const rotate = async (algorithms: (rows: readonly KeyRow[]) => SigningAlgorithm[]): Promise<void> => {
    await inTransaction(async ({ keys: repository, audit, announce }) => {
      // One rotation at a time over all replicas; whoever waited finds it done and starts from there.
      await repository.lock();
      const due = algorithms(await repository.list());
      for (const alg of due) await rotateOne(alg, repository, audit);
      if (due.length > 0) announce();
    });
    await load();
  };

  const reseal = async (): Promise<void> => {
    for (const row of await keys.list()) {
      if (!envelope.isStale(row.private_jwk_sealed)) continue;
      await keys.reseal(
        row.kid,
        envelope.seal(envelope.open(row.private_jwk_sealed, sealContext(row.kid)), sealContext(row.kid)),
      );
    }
  };

  const ageSeconds = (row: KeyRow): number => (clock.now().getTime() - (row.activated_at ?? row.created_at).getTime()) / 1000;

  return {
    prepare: async () => {
      await rotate((rows) => firstAlgorithms.filter((alg) => !rows.some((row) => row.alg === alg && row.state === 'active')));
      await load();
      await reseal();
    },
    current: async () => (loaded ?? (await load())).privateKeys,
    publicJwks: async () => (loaded ?? (await load())).publicKeys,
    onChange: (handler) => void listeners.add(handler),
    list: async () => inOrder(await keys.list()).map(view),
    rotate: async (alg) => {
      if (alg !== undefined && !isAlgorithm(alg)) throw errors.key_not_found({ detail: `There is no signing algorithm ${alg}` });
      await rotate((rows) => (alg ? [alg] : signingAlgorithms.filter((one) => rows.some((row) => row.alg === one))));
      return inOrder(await keys.list()).map(view);
    },
    withdraw: async (kid) => {
      await inTransaction(async ({ keys: repository, audit, announce }) => {
        await repository.lock();
        const row = (await repository.list()).find((one) => one.kid === kid);
        if (!row) throw errors.key_not_found();
        if (row.state === 'active') await rotateOne(row.alg as SigningAlgorithm, repository, audit);
        const state = row.state === 'active' ? 'retired' : row.state;
        await repository.move(kid, state, { state: 'withdrawn', expires_at: null });
        await audit.record({
          type: 'key.withdrawn',
          outcome: 'success',
          target: { type: 'key', id: kid },
          details: { alg: row.alg },
        });
        announce();
      });
      await load();
    },
    maintain: async () => {
      await keys.removeExpired(clock.now());
      await rotate((rows) =>
        rows
          .filter((row) => row.state === 'active' && ageSeconds(row) > rotationSeconds)
          .flatMap(({ alg }) => (isAlgorithm(alg) ? [alg] : [])),
      );
    },
    reload: async () => {
      await load();
    },
  };
};
