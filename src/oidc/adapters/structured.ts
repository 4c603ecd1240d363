import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';
import { type Facts, type RelatedColumns, related, relatedOf } from './facts.ts';

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
  `select ${related}, r.jti as revoked
   from (select $1::text as jti, $2::text as grant_id, $3::text as session_uid) t
   left join oidc_artifacts g on g.id = t.grant_id and g.kind = 'Grant'
   left join oidc_artifacts s on s.kind = 'Session' and s.lookup = t.session_uid
   left join users u on u.id = g.account_id
   left join sessions d on d.session_uid = t.session_uid
   left join revoked_tokens r on r.jti = t.jti`,
);

/** Facts as if the token were stored; `undefined` when it was revoked one by one. */
export const readStructuredFacts = async (knex: Knex, origin: TokenOrigin): Promise<Facts | undefined> => {
  const { rows } = await prepared<RelatedColumns & { revoked: string | null }>(knex, selection, [
    origin.jti,
    origin.grantId,
    origin.sessionUid,
  ]);
  const [flat] = rows;
  if (!flat || flat.revoked !== null) return undefined;
  const facts = relatedOf(flat);
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

/** RFC 7009 for a token that nothing was stored of. */
export const insertRevokedToken = async (knex: Knex, jti: string, expiresAt: Date): Promise<void> => {
  await knex('revoked_tokens').insert({ jti, expires_at: expiresAt }).onConflict('jti').ignore();
};

export const sweepRevokedTokens = (knex: Knex, now: Date, limit: number): Promise<number> =>
  knex('revoked_tokens')
    .whereIn('jti', knex('revoked_tokens').select('jti').where('expires_at', '<', now).limit(limit).forUpdate().skipLocked())
    .delete();
