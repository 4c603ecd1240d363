import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';
import { type Facts, type RelatedColumns, related, relatedOf, relatedRows } from './facts.ts';

/** What a JWT access token says of where it came from; hashes, since it leaves the house. */
export interface TokenOrigin {
  jti: string;
  clientId: string;
  grantId: string | undefined;
  /** Present where the token ends with the session. */
  sessionUid: string | undefined;
  issuedAt: Date;
  expiresAt: Date;
}

const selection = statement(
  'structured-token-facts',
  `select ${related}, t.jti, r.jti as revoked
   from unnest($1::text[], $2::text[], $3::text[]) as t (jti, grant_id, session_uid)
   ${relatedRows('g.account_id')}
   left join lateral (select a.jti from revoked_tokens a where a.jti = t.jti offset 0) r on true`,
);

type StructuredColumns = RelatedColumns & { jti: string; revoked: string | null };

const factsOf = (origin: TokenOrigin, columns: StructuredColumns | undefined): Facts | undefined => {
  if (!columns || columns.revoked !== null) return undefined;
  const facts = relatedOf(columns);
  const { grant } = facts;
  return {
    row: {
      kind: grant || origin.grantId ? 'AccessToken' : 'ClientCredentials',
      id: origin.jti,
      payload: { expiresWithSession: origin.sessionUid !== undefined },
      accountId: grant?.accountId ?? null,
      clientId: origin.clientId,
      grantId: origin.grantId ?? null,
      sessionUid: origin.sessionUid ?? null,
      lookup: null,
      consumedAt: null,
      expiresAt: origin.expiresAt,
      createdAt: origin.issuedAt,
    },
    ...facts,
  };
};

/** Facts of each, in order, as if the tokens were stored; `undefined` for one that was revoked by itself. */
export const readStructuredFacts = async (
  knex: Knex,
  origins: readonly TokenOrigin[],
): Promise<readonly (Facts | undefined)[]> => {
  // Callers of an API show one token again and again.
  const asked = [...new Map(origins.map((origin) => [origin.jti, origin])).values()];
  const { rows } = await prepared<StructuredColumns>(knex, selection, [
    asked.map(({ jti }) => jti),
    asked.map(({ grantId }) => grantId ?? null),
    asked.map(({ sessionUid }) => sessionUid ?? null),
  ]);
  const found = new Map(rows.map((row) => [row.jti, row]));
  return origins.map((origin) => factsOf(origin, found.get(origin.jti)));
};

/** RFC 7009 for a token that nothing was stored of. */
export const insertRevokedToken = async (knex: Knex, jti: string, expiresAt: Date): Promise<void> => {
  await knex('revoked_tokens').insert({ jti, expires_at: expiresAt }).onConflict('jti').ignore();
};

export const sweepRevokedTokens = (knex: Knex, now: Date, limit: number): Promise<number> =>
  knex('revoked_tokens')
    .whereIn('jti', knex('revoked_tokens').select('jti').where('expires_at', '<', now).limit(limit).forUpdate().skipLocked())
    .delete();
