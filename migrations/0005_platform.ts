import type { Knex } from 'knex';

const monthsAhead = 36;

const partitions = (from: Date): string[] =>
  Array.from({ length: monthsAhead }, (_, offset) => {
    const start = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + offset));
    const end = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + offset + 1));
    const name = `audit_events_${start.toISOString().slice(0, 7).replace('-', '_')}`;
    return `create table ${name} partition of audit_events for values from ('${start.toISOString()}') to ('${end.toISOString()}');`;
  });

/** Audit events (append-only, by month), outbox, counters that protect, settings (FEATURES C5, O10, A11). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table audit_events (
      id uuid not null,
      occurred_at timestamptz not null,
      type text not null,
      outcome text not null check (outcome in ('success', 'failure', 'denied')),
      actor_type text not null check (actor_type in ('user', 'client', 'system', 'anonymous')),
      actor_id text,
      subject_id uuid,
      client_id text,
      organization_id uuid,
      -- SHA-256 of the provider session's uid
      session_uid text,
      target_type text,
      target_id text,
      reason text,
      correlation_id text,
      ip text,
      payload jsonb not null default '{}',
      primary key (id, occurred_at)
    ) partition by range (occurred_at);
    create index audit_events_time on audit_events (occurred_at desc, id desc);
    create index audit_events_type on audit_events (type, occurred_at desc);
    create index audit_events_actor on audit_events (actor_id, occurred_at desc);
    create index audit_events_subject on audit_events (subject_id, occurred_at desc);
    create index audit_events_correlation on audit_events (correlation_id);
    create table audit_events_other partition of audit_events default;
    ${partitions(new Date(Date.UTC(2026, 10))).join('\n')}
    -- AU-02: the application adds events, nothing else
    revoke update, delete, truncate on audit_events from castellan_app;

    create table outbox (
      id uuid primary key,
      topic text not null,
      key text,
      -- sealed with the master key: mails hold one-time links
      payload_sealed text not null,
      created_at timestamptz not null,
      available_at timestamptz not null,
      attempts integer not null default 0,
      locked_until timestamptz,
      last_error text,
      delivered_at timestamptz,
      dead_at timestamptz
    );
    create index outbox_due on outbox (available_at) where delivered_at is null and dead_at is null;
    create index outbox_key on outbox (key) where delivered_at is null and dead_at is null;
    create index outbox_delivered on outbox (delivered_at) where delivered_at is not null;

    create table failure_counters (
      -- SHA-256 over what is counted and for whom
      key text primary key,
      count integer not null,
      window_ends_at timestamptz not null
    );
    create index failure_counters_end on failure_counters (window_ends_at);
    create table replay_ids (
      id text primary key,
      expires_at timestamptz not null
    );
    create index replay_ids_expiry on replay_ids (expires_at);
    create table idempotency_keys (
      id text primary key,
      fingerprint text not null,
      status integer,
      answer_sealed text,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index idempotency_keys_expiry on idempotency_keys (expires_at);
    create table settings (
      key text primary key,
      value jsonb not null,
      updated_at timestamptz not null
    );
  `);
  // Partitions carry grants of their own by default privileges; take them back there too.
  const { rows } = await knex.raw(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_events'::regclass`,
  );
  for (const { name } of rows as { name: string }[])
    await knex.raw(`revoke update, delete, truncate on ?? from castellan_app`, [name]);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
