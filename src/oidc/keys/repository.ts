import type { Knex } from 'knex';

export type KeyState = 'next' | 'active' | 'retired' | 'withdrawn';

export interface KeyRow {
  kid: string;
  alg: string;
  state: KeyState;
  public_jwk: Record<string, unknown>;
  private_jwk_sealed: string;
  created_at: Date;
  activated_at: Date | null;
  retired_at: Date | null;
  expires_at: Date | null;
}

export interface KeyRepository {
  list(): Promise<KeyRow[]>;
  /** False when another replica was first with a key of that algorithm and state. */
  insert(row: KeyRow): Promise<boolean>;
  /** Moves one key on; false when it is not in `from` any more. */
  move(kid: string, from: KeyState, change: Partial<KeyRow>): Promise<boolean>;
  /** Removes keys whose overlap is over. */
  removeExpired(now: Date): Promise<string[]>;
  /** The longest life any resource or client gives its tokens, in seconds; 0 where none says. The transaction sees every tenant's. */
  longestLifetimeSeconds(): Promise<number>;
  /** Serializes rotations over all replicas until the transaction ends. */
  lock(): Promise<void>;
}

const rotationLock = 7_203_553;

export const createKeyRepository = (db: Knex): KeyRepository => ({
  list: () => db('signing_keys').whereNot({ state: 'withdrawn' }).orderBy('created_at'),
  insert: async (row) => {
    const values = { ...row, public_jwk: JSON.stringify(row.public_jwk) };
    const inserted = await db('signing_keys').insert(values).onConflict().ignore().returning('kid');
    return inserted.length === 1;
  },
  move: async (kid, from, change) => (await db('signing_keys').where({ kid, state: from }).update(change)) === 1,
  removeExpired: (now) =>
    db('signing_keys')
      .where('expires_at', '<=', now)
      .delete()
      .returning('kid')
      .then((rows) => rows.map(({ kid }) => kid)),
  longestLifetimeSeconds: async () => {
    const { rows } = await db.raw(`
      select greatest(
        (select max(access_token_ttl_seconds) from resources),
        (select max(greatest((settings->>'accessTokenTtlSeconds')::integer, (settings->>'refreshTokenTtlSeconds')::integer,
          (settings->>'idTokenTtlSeconds')::integer)) from clients)
      ) as seconds`);
    return Number(rows[0]?.seconds ?? 0);
  },
  lock: async () => {
    await db.raw('select pg_advisory_xact_lock(?)', [rotationLock]);
  },
});
