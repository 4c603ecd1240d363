import type { Knex } from 'knex';
import { containing, prepared, statement } from '../platform/db/index.ts';
import { type EventKind, eventKinds, type KindPatterns } from './kinds.ts';
import type { AuditRow } from './rows.ts';

const columns = [
  'id',
  'occurred_at',
  'type',
  'outcome',
  'actor_type',
  'actor_id',
  'subject_id',
  'client_id',
  'organization_id',
  'session_uid',
  'target_type',
  'target_id',
  'reason',
  'correlation_id',
  'ip',
  'payload',
] as const satisfies readonly (keyof AuditRow)[];

const types = [
  'uuid',
  'timestamptz',
  'text',
  'text',
  'text',
  'text',
  'uuid',
  'text',
  'uuid',
  'text',
  'text',
  'text',
  'text',
  'text',
  'text',
  'jsonb',
];
const lists = (first: number): string => types.map((type, index) => `$${first + index}::${type}[]`).join(', ');

/** The insert of any number of events, also as part of a statement of another room. */
export const insertEventsSql = (firstParameter: number, condition?: string): string => {
  const into = `insert into audit_events (${columns.join(', ')})`;
  if (condition === undefined) return `${into} select * from unnest(${lists(firstParameter)})`;
  return `${into} select ${columns.join(', ')} from unnest(${lists(firstParameter)}, $${firstParameter + columns.length}::text[])
    as e (${columns.join(', ')}, needs) where ${condition}`;
};

/** The values of that insert, in the order of its parameters. */
export const valuesOf = (rows: readonly AuditRow[]): readonly unknown[] =>
  columns.map((column) => rows.map((row) => row[column]));

const insertEvents = statement('audit-insert', insertEventsSql(1));

/** Appends in one statement, however many events there are. */
export const insertAuditRows = async (knex: Knex, rows: readonly AuditRow[]): Promise<void> => {
  if (rows.length > 0) await prepared(knex, insertEvents, valuesOf(rows));
};

export interface AuditFilter {
  type?: string | undefined;
  /** All but this one. */
  exceptType?: string | undefined;
  kind?: EventKind | undefined;
  outcome?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  /** Who did it, or whom it is about. */
  person?: string | undefined;
  /** The application that asked, or that it is about. */
  client?: string | undefined;
  ip?: string | undefined;
  /** A part of the type, the reason, or the id of a target or request. */
  search?: string | undefined;
  correlationId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  /** Events of these organizations; of all where absent. */
  organizationIds?: readonly string[] | undefined;
}

export interface StoredEvent extends Omit<AuditRow, 'payload'> {
  payload: { before?: unknown; after?: unknown; details?: unknown };
}

export interface AuditRepository {
  /** Newest first. @param before place of the last event seen: its time and id */
  list(filter: AuditFilter, limit: number, before: [string, string] | undefined): Promise<StoredEvent[]>;
  count(filter: AuditFilter): Promise<number>;
  /** @param organizationIds of these organizations; of all where absent */
  find(id: string, organizationIds: readonly string[] | undefined): Promise<StoredEvent | undefined>;
}

type Condition = [sql: string, value: unknown, ...more: unknown[]];

const searched = `concat_ws(' ', type, reason, target_type, target_id, correlation_id) ilike ?`;

const conditionsOf = (filter: AuditFilter, before: [string, string] | undefined): Condition[] => {
  const { like, unlike }: KindPatterns = filter.kind === undefined ? {} : eventKinds[filter.kind];
  const all: [string, unknown][] = [
    ['type = ?', filter.type],
    ['type <> ?', filter.exceptType],
    ['type like any(?::text[])', like],
    ['type not like all(?::text[])', unlike],
    ['outcome = ?', filter.outcome],
    ['actor_id = ?', filter.actor],
    ['? in (target_id, subject_id::text)', filter.target],
    ['? in (actor_id, subject_id::text, target_id)', filter.person],
    ['? in (client_id, actor_id, target_id)', filter.client],
    ['ip = ?', filter.ip],
    [searched, filter.search === undefined ? undefined : containing(filter.search)],
    ['correlation_id = ?', filter.correlationId],
    ['organization_id = any(?::uuid[])', filter.organizationIds],
    ['occurred_at >= ?', filter.from],
    ['occurred_at < ?', filter.to],
  ];
  const given = all.filter(([, value]) => value !== undefined);
  return before ? [...given, ['(occurred_at, id) < (?::timestamptz, ?::uuid)', ...before]] : given;
};

export const createAuditRepository = (knex: Knex): AuditRepository => ({
  list: async (filter, limit, before) => {
    const query = knex('audit_events').orderByRaw('occurred_at desc, id desc').limit(limit);
    for (const [sql, ...values] of conditionsOf(filter, before)) query.whereRaw(sql, values as string[]);
    return (await query) as StoredEvent[];
  },
  count: async (filter) => {
    const query = knex('audit_events').count({ count: '*' });
    for (const [sql, ...values] of conditionsOf(filter, undefined)) query.whereRaw(sql, values as string[]);
    return Number((await query)[0]?.count ?? 0);
  },
  find: (id, organizationIds) => {
    const query = knex('audit_events').where({ id });
    if (organizationIds) query.whereIn('organization_id', [...organizationIds]);
    return query.first();
  },
});
