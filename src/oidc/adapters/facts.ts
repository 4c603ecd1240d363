import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';
import type { ArtifactRow } from './rows.ts';

/** A row with everything that decides whether it still counts, read in one statement. */
export interface Facts {
  row: ArtifactRow;
  grant: ArtifactRow | undefined;
  session: ArtifactRow | undefined;
  account: { status: string; revokedBefore: Date | null } | undefined;
  /** The device row beside the provider's session. */
  device: { id: string; endedAt: Date | null } | undefined;
  /** TK-10: nothing counts that anybody was given before. */
  revokedBefore: Date | null;
}

/**
 * Related rows come as one value each: describing three times eleven columns with each answer cost more than reading them.
 * `json` keeps payloads as they are.
 */
export const related = `g.whole as grant_row, s.whole as session_row, u.status as account_status,
  u.revoked_before as account_revoked_before, d.id as device_id, d.ended_at as device_ended_at,
  (select max(revoked_before) from revocations where scope = 'everything') as all_revoked_before`;
const selection = `t.kind, t.id, t.payload, t.account_id, t.client_id, t.grant_id, t.session_uid, t.lookup, t.consumed_at,
  t.expires_at, t.created_at, ${related}`;

/**
 * Row by row, which `offset 0` holds the planner to: a plan made while the tables are still small would read them whole, and stay in
 * use while they grow (50,000 rows: 15 ms instead of 0.2).
 */
export const relatedRows = (account: string): string => `
  left join lateral (select row_to_json(a) as whole, a.account_id from oidc_artifacts a
    where a.id = t.grant_id and a.kind = 'Grant' offset 0) g on true
  left join lateral (select row_to_json(a) as whole from oidc_artifacts a
    where a.kind = 'Session' and a.lookup = t.session_uid offset 0) s on true
  left join lateral (select a.status, a.revoked_before from users a where a.id = ${account} offset 0) u on true
  left join lateral (select a.id, a.ended_at from sessions a where a.session_uid = t.session_uid offset 0) d on true`;

const byId = statement(
  'artifact-facts-by-id',
  `select ${selection} from unnest($1::text[]) as asked (id)
   cross join lateral (select * from oidc_artifacts a where a.id = asked.id offset 0) t ${relatedRows('t.account_id')}`,
);
const byLookup = statement(
  'artifact-facts-by-lookup',
  `select ${selection} from (select * from oidc_artifacts a where a.kind = $1 and a.lookup = $2 offset 0) t
   ${relatedRows('t.account_id')}`,
);

type Time<Written> = Written | null;

/** A row as it is kept, its times as dates or, inside JSON, as text. */
interface StoredRow<Written> {
  kind: string;
  id: string;
  payload: Record<string, unknown>;
  account_id: string | null;
  client_id: string | null;
  grant_id: string | null;
  session_uid: string | null;
  lookup: string | null;
  consumed_at: Time<Written>;
  expires_at: Time<Written>;
  created_at: Written;
}

export interface RelatedColumns {
  grant_row: StoredRow<string> | null;
  session_row: StoredRow<string> | null;
  account_status: string | null;
  account_revoked_before: Date | null;
  device_id: string | null;
  device_ended_at: Date | null;
  all_revoked_before: Date | null;
}

type FlatRow = StoredRow<Date> & RelatedColumns;

/** Of a row that this request writes: the rest of it was looked at when it was read. */
export const factsAlone = (row: ArtifactRow): Facts => ({
  row,
  grant: undefined,
  session: undefined,
  account: undefined,
  device: undefined,
  revokedBefore: null,
});

const rowOf = (stored: StoredRow<Date>): ArtifactRow => ({
  kind: stored.kind,
  id: stored.id,
  payload: stored.payload,
  accountId: stored.account_id,
  clientId: stored.client_id,
  grantId: stored.grant_id,
  sessionUid: stored.session_uid,
  lookup: stored.lookup,
  consumedAt: stored.consumed_at,
  expiresAt: stored.expires_at,
  createdAt: stored.created_at,
});

const timeOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

const jsonRowOf = (stored: StoredRow<string> | null): ArtifactRow | undefined => {
  if (stored === null) return undefined;
  const { consumed_at: consumed, expires_at: expires, created_at: created } = stored;
  return rowOf({ ...stored, consumed_at: timeOf(consumed), expires_at: timeOf(expires), created_at: new Date(created) });
};

/** What was joined beside the row itself. */
export const relatedOf = (columns: RelatedColumns): Omit<Facts, 'row'> => ({
  grant: jsonRowOf(columns.grant_row),
  session: jsonRowOf(columns.session_row),
  account:
    columns.account_status === null
      ? undefined
      : { status: columns.account_status, revokedBefore: columns.account_revoked_before },
  device: columns.device_id === null ? undefined : { id: columns.device_id, endedAt: columns.device_ended_at },
  revokedBefore: columns.all_revoked_before,
});

const factsOf = (flat: FlatRow): Facts => ({ row: rowOf(flat), ...relatedOf(flat) });

/** Facts for each id hash, in order; an id may stand for rows of several kinds. */
export const readFacts = async (knex: Knex, idHashes: readonly string[]): Promise<Facts[][]> => {
  const { rows } = await prepared<FlatRow>(knex, byId, [[...new Set(idHashes)]]);
  const found = rows.map(factsOf);
  return idHashes.map((idHash) => found.filter(({ row }) => row.id === idHash));
};

export const readFactsByLookup = async (knex: Knex, kind: string, lookup: string): Promise<Facts | undefined> => {
  const { rows } = await prepared<FlatRow>(knex, byLookup, [kind, lookup]);
  const [row] = rows;
  return row && factsOf(row);
};
