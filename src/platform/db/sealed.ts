import { type Envelope, EnvelopeError } from '../crypto/index.ts';
import type { Database } from './database.ts';
import { setTenants } from './tenants.ts';

/** A column of sealed values, as the room that owns it declares it. */
export interface SealedColumn {
  table: string;
  /** What names a row. */
  key: string;
  column: string;
  /** The column that the context is made of, `key` where absent. */
  bound?: string;
  context(bound: string): string;
}

interface SealedRow {
  key: string;
  bound: string;
  sealed: string;
}

const batch = 200;

/** The same value under the current master key; `undefined` where no key that was given opens it. */
const resealedValue = (envelope: Envelope, { sealed }: SealedRow, context: string): string | undefined => {
  try {
    return envelope.seal(envelope.open(sealed, context), context);
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
};

/** One batch behind `after`, in a transaction. What was changed meanwhile stays as it is. */
const resealBatch = (
  database: Database,
  envelope: Envelope,
  { table, key, column, bound = key, context }: SealedColumn,
  after: string | undefined,
): Promise<{ rows: readonly SealedRow[]; lost: number }> =>
  database.transaction(async (trx) => {
    await setTenants(trx, 'all');
    const query = trx(table).whereNotNull(column).whereNot(column, '').whereNot(column, 'like', `${envelope.prefix}%`);
    if (after !== undefined) query.where(key, '>', after);
    const rows: SealedRow[] = await query.orderBy(key).limit(batch).select({ key, bound, sealed: column });
    let lost = 0;
    for (const row of rows) {
      const value = resealedValue(envelope, row, context(row.bound));
      if (value === undefined) lost += 1;
      else
        await trx(table)
          .where({ [key]: row.key, [column]: row.sealed })
          .update({ [column]: value });
    }
    return { rows, lost };
  });

/**
 * After a rotation of the master key: seals with the current one what another one sealed (FEATURES S5).
 * @returns how many values no key that was given opens; they stay as they are
 */
export const reseal = async (database: Database, envelope: Envelope, column: SealedColumn): Promise<number> => {
  let lost = 0;
  for (let after: string | undefined; ; ) {
    const done = await resealBatch(database, envelope, column, after);
    lost += done.lost;
    after = done.rows.at(-1)?.key;
    if (done.rows.length < batch) return lost;
  }
};

export const derivedKeys: SealedColumn = {
  table: 'derived_keys',
  key: 'name',
  column: 'sealed',
  context: (name) => `derived-key:${name}`,
};
const indexKeyName = 'blind-index';

/**
 * The key of blind indexes, which is that of the oldest master key at the first start and outlives it.
 * @param derived what to keep where there is none
 * @throws EnvelopeError for a wrong MASTER_KEY, before anything is written (F-19)
 */
export const keptIndexKey = async ({ knex }: Database, envelope: Envelope, derived: Buffer): Promise<Buffer> => {
  const context = derivedKeys.context(indexKeyName);
  const find = (): Promise<{ sealed: string } | undefined> => knex('derived_keys').where({ name: indexKeyName }).first('sealed');
  if (!(await find())) {
    const used = await knex('signing_keys').first('private_jwk_sealed');
    if (used && !envelope.knows(used.private_jwk_sealed)) throw new EnvelopeError('does not open the keys in use');
    const sealed = envelope.seal(derived.toString('base64url'), context);
    await knex('derived_keys').insert({ name: indexKeyName, sealed }).onConflict().ignore();
  }
  const { sealed = '' } = (await find()) ?? {};
  if (!envelope.knows(sealed)) throw new EnvelopeError('does not open the keys in use');
  return Buffer.from(envelope.open(sealed, context), 'base64url');
};
