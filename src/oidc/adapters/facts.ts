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
}

/** Columns of one joined row, under a prefix. */
export const columns = (alias: string, prefix: string): string =>
  [
    ['kind', 'kind'],
    ['id', 'id'],
    ['payload', 'payload'],
    ['account_id', 'account'],
    ['client_id', 'client'],
    ['grant_id', 'grant'],
    ['session_uid', 'session'],
    ['lookup', 'lookup'],
    ['consumed_at', 'consumed'],
    ['expires_at', 'expires'],
    ['created_at', 'created'],
  ]
    .map(([column, name]) => `${alias}.${column} as ${prefix}_${name}`)
    .join(', ');

const selection = `${columns('t', 't')}, ${columns('g', 'g')}, ${columns('s', 's')},
  u.status as account_status, u.revoked_before as account_revoked_before, d.id as device_id, d.ended_at as device_ended_at`;
const joins = `
  left join oidc_artifacts g on g.id = t.grant_id and g.kind = 'Grant'
  left join oidc_artifacts s on s.kind = 'Session' and s.lookup = t.session_uid
  left join users u on u.id = t.account_id
  left join sessions d on d.session_uid = t.session_uid`;

const byId = statement('artifact-facts-by-id', `select ${selection} from oidc_artifacts t ${joins} where t.id = any($1)`);
const byLookup = statement(
  'artifact-facts-by-lookup',
  `select ${selection} from oidc_artifacts t ${joins} where t.kind = $1 and t.lookup = $2`,
);

export type FlatRow = Record<string, unknown>;

export const rowOf = (flat: FlatRow, prefix: string): ArtifactRow | undefined =>
  flat[`${prefix}_id`] === null
    ? undefined
    : ({
        kind: flat[`${prefix}_kind`],
        id: flat[`${prefix}_id`],
        payload: flat[`${prefix}_payload`],
        accountId: flat[`${prefix}_account`],
        clientId: flat[`${prefix}_client`],
        grantId: flat[`${prefix}_grant`],
        sessionUid: flat[`${prefix}_session`],
        lookup: flat[`${prefix}_lookup`],
        consumedAt: flat[`${prefix}_consumed`],
        expiresAt: flat[`${prefix}_expires`],
        createdAt: flat[`${prefix}_created`],
      } as ArtifactRow);

/** What was joined beside the row itself. */
export const relatedOf = (flat: FlatRow): Omit<Facts, 'row'> => ({
  grant: rowOf(flat, 'g'),
  session: rowOf(flat, 's'),
  account:
    flat.account_status === null
      ? undefined
      : { status: flat.account_status as string, revokedBefore: flat.account_revoked_before as Date | null },
  device: flat.device_id === null ? undefined : { id: flat.device_id as string, endedAt: flat.device_ended_at as Date | null },
});

const factsOf = (flat: FlatRow): Facts[] => {
  const row = rowOf(flat, 't');
  return row ? [{ row, ...relatedOf(flat) }] : [];
};

/** Facts for each id hash, in order; an id may stand for rows of several kinds. */
export const readFacts = async (knex: Knex, idHashes: readonly string[]): Promise<Facts[][]> => {
  const { rows } = await prepared<FlatRow>(knex, byId, [idHashes]);
  const found = rows.flatMap(factsOf);
  return idHashes.map((idHash) => found.filter(({ row }) => row.id === idHash));
};

export const readFactsByLookup = async (knex: Knex, kind: string, lookup: string): Promise<Facts | undefined> => {
  const { rows } = await prepared<FlatRow>(knex, byLookup, [kind, lookup]);
  return rows.flatMap(factsOf)[0];
};
