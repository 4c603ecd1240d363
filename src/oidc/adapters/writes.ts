import type { Knex } from 'knex';
import { prepared, type Statement, statement } from '../../platform/db/index.ts';
import type { AuditStatement, PreparedEvent } from '../../platform/ports.ts';
import type { ArtifactRow } from './rows.ts';

export interface ArtifactKey {
  id: string;
  kind: string;
}

/** A device row whose session was used. @property expiresAt of the session, where its use moves it */
export interface Seen {
  sessionUid: string;
  expiresAt: Date | null;
}

/** What one request changes, or several that share a commit. */
export interface Changes {
  /** Inserted, or replaced where the row is there. */
  kept: readonly ArtifactRow[];
  destroyed: readonly ArtifactKey[];
  /** Spent once: another process may have been first. */
  consumed: readonly ArtifactKey[];
  /** Grants whose tokens, codes and requests go. */
  revokedGrants: readonly string[];
  /** Device rows of sessions in use; written at most once a minute. */
  seen: readonly Seen[];
  /** What is told of it. */
  events: readonly PreparedEvent[];
  /**
   * Where several requests share a commit: the id that this very statement has to spend for a row or event to be written. Absent: the
   * first of `consumed`, for all of them.
   */
  needs?: ReadonlyMap<ArtifactRow | PreparedEvent, string>;
}

export const noChanges: Changes = { kept: [], destroyed: [], consumed: [], revokedGrants: [], seen: [], events: [] };

export const isEmpty = ({ kept, destroyed, consumed, revokedGrants }: Omit<Changes, 'events' | 'seen'>): boolean =>
  kept.length + destroyed.length + consumed.length + revokedGrants.length === 0;

const pairs = (first: number): string => `(id, kind) in (select * from unnest($${first}::text[], $${first + 1}::text[]))`;

const arrays = ['text', 'text', 'text', 'uuid', 'text', 'text', 'text', 'text', 'timestamptz', 'timestamptz'] as const;
const names = 'kind, id, payload, account_id, client_id, grant_id, session_uid, lookup, expires_at, created_at';

const ifSpent = 'needs is null or needs in (select id from spent)';

interface Part {
  sql: (firstParameter: number) => string;
  values: unknown[];
}

/**
 * One statement for everything: what is destroyed goes first (a session that changes its id keeps its uid), a consumption that
 * comes too late keeps the rest from being written.
 */
const partsOf = (
  { kept, destroyed, consumed, revokedGrants, seen, events, needs }: Changes,
  now: Date,
  audit: AuditStatement | undefined,
): Record<string, Part> => {
  const isConditional = consumed.length > 0;
  const needOf = (one: ArtifactRow | PreparedEvent): string | null => (needs ? needs.get(one) : consumed[0]?.id) ?? null;
  return {
    ...(destroyed.length > 0 && {
      gone: {
        sql: (n) => `delete from oidc_artifacts where ${pairs(n)} returning 1`,
        values: [destroyed.map(({ id }) => id), destroyed.map(({ kind }) => kind)],
      },
    }),
    ...(revokedGrants.length > 0 && {
      revoked: {
        // The grant before what is under it, as everywhere: two who end the same never wait for each other in a circle.
        sql: (n) =>
          `delete from oidc_artifacts where grant_id = any($${n}::text[])${
            destroyed.length > 0 ? ' and (select count(*) from gone) >= 0' : ''
          } returning 1`,
        values: [revokedGrants],
      },
    }),
    ...(consumed.length > 0 && {
      spent: {
        // Row by row as well (`facts.ts`); whoever goes by the text of statements is told what the function does.
        sql: (n) => `select s.id from unnest($${n}::text[], $${n + 1}::text[]) as r (id, kind)
        cross join lateral spend_artifact(r.id, r.kind, $${n + 2}) as s (id) /* update oidc_artifacts */`,
        values: [consumed.map(({ id }) => id), consumed.map(({ kind }) => kind), now],
      },
    }),
    ...(kept.length > 0 && {
      kept: {
        sql: (n) => `insert into oidc_artifacts (${names})
        select r.kind, r.id, r.payload::json, r.account_id, r.client_id, r.grant_id, r.session_uid, r.lookup, r.expires_at, r.created_at
        from unnest(${[...arrays, 'text'].map((type, index) => `$${n + index}::${type}[]`).join(', ')}) as r (${names}, needs)
        where ${isConditional ? `(${ifSpent})` : 'needs is null'}${
          destroyed.length > 0 ? ' and (select count(*) from gone) >= 0' : ''
        }
        on conflict (id, kind) do update set payload = excluded.payload, account_id = excluded.account_id,
          client_id = excluded.client_id, grant_id = excluded.grant_id, session_uid = excluded.session_uid,
          lookup = coalesce(excluded.lookup, oidc_artifacts.lookup), expires_at = excluded.expires_at
        returning oidc_artifacts.xmax <> 0 as was_there`,
        values: [
          kept.map(({ kind }) => kind),
          kept.map(({ id }) => id),
          kept.map(({ payload }) => JSON.stringify(payload)),
          kept.map(({ accountId }) => accountId),
          kept.map(({ clientId }) => clientId),
          kept.map(({ grantId }) => grantId),
          kept.map(({ sessionUid }) => sessionUid),
          kept.map(({ lookup }) => lookup),
          kept.map(({ expiresAt }) => expiresAt),
          kept.map(({ createdAt }) => createdAt),
          kept.map(needOf),
        ],
      },
    }),
    ...(seen.length > 0 && {
      seen: {
        sql: (
          n,
        ) => `update sessions d set last_seen_at = $${n + 2}::timestamptz, expires_at = coalesce(r.expires_at, d.expires_at)
        from unnest($${n}::text[], $${n + 1}::timestamptz[]) as r (session_uid, expires_at)
        where d.session_uid = r.session_uid and d.ended_at is null
          and d.last_seen_at < $${n + 2}::timestamptz - interval '1 minute' returning 1`,
        values: [seen.map(({ sessionUid }) => sessionUid), seen.map(({ expiresAt }) => expiresAt), now],
      },
    }),
    ...(audit !== undefined &&
      events.length > 0 && {
        told: {
          sql: (n) => audit.sql(n, isConditional ? ifSpent : undefined),
          values: [...audit.values(events), ...(isConditional ? [events.map(needOf)] : [])],
        },
      }),
  };
};

const statements = new Map<string, Statement>();
const texts = new Set<string>();

/** Whether the statement is one of these, so that its caller says what it changed. */
export const isOwnWrite = (sql: string): boolean => texts.has(sql);

const statementOf = (parts: Record<string, Part>): Statement => {
  const shape = Object.keys(parts).join('-');
  let found = statements.get(shape);
  if (!found) {
    let parameter = 1;
    const clauses = Object.entries(parts).map(([name, part]) => {
      const clause = `${name} as (${part.sql(parameter)})`;
      parameter += part.values.length;
      return clause;
    });
    const spent = parts.spent ? 'array(select id from spent)' : `'{}'::text[]`;
    const replaced = parts.kept ? '(select count(*) from kept where was_there)' : '0';
    const text = `with ${clauses.join(', ')} select ${spent} as spent, ${replaced}::integer as replaced`;
    found = statement(`artifact-write-${shape}`, text);
    statements.set(shape, found);
    texts.add(text);
  }
  return found;
};

const claim = statement(
  'artifact-claim',
  `insert into oidc_artifacts (kind, id, payload, expires_at, created_at) values ($1, $2, $3, $4, $5)
   on conflict (id, kind) do nothing`,
);
// Replay ids are never read but here, so no copy has to be told.
texts.add(claim.text);

/** True for the first to present the id. */
export const claimRow = async (knex: Knex, { kind, id, payload, expiresAt, createdAt }: ArtifactRow): Promise<boolean> =>
  (await prepared(knex, claim, [kind, id, JSON.stringify(payload), expiresAt, createdAt])).rowCount === 1;

export interface Written {
  /** Ids of `consumed` that this call spent; what needed another was not written. */
  spent: readonly string[];
  /** How many of `kept` took the place of a row. */
  replaced: number;
}

const nothingWritten: Written = { spent: [], replaced: 0 };

export const writeChanges = async (
  executor: Knex,
  changes: Changes,
  { now, audit }: { now: Date; audit: AuditStatement | undefined },
): Promise<Written> => {
  const parts = partsOf(changes, now, audit);
  if (Object.keys(parts).length === 0) return nothingWritten;
  const values = Object.values(parts).flatMap((part) => part.values);
  const { rows } = await prepared<Written>(executor, statementOf(parts), values);
  return rows[0] ?? nothingWritten;
};
