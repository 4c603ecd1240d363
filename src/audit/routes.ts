import { type Static, Type } from '@sinclair/typebox';
import type { TenantScope } from '../platform/db/index.ts';
import { errors } from '../platform/errors/index.ts';
import { type AdminRoutes, decodeCursor, ListQuery, pageOfItems } from '../platform/http/index.ts';
import type { PermissionScope } from '../platform/ports.ts';
import { type EventKind, eventKinds } from './kinds.ts';
import type { StoredEvent } from './repository.ts';
import type { AuditReader } from './service.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);

/** Filters of the list, for the pages of the administration as well. */
export const EventQuery = Type.Object(
  {
    ...ListQuery,
    type: Type.Optional(Type.String({ maxLength: 100 })),
    exceptType: Type.Optional(Type.String({ maxLength: 100 })),
    kind: Type.Optional(Type.Unsafe<EventKind>(Type.Union(Object.keys(eventKinds).map((kind) => Type.Literal(kind))))),
    outcome: Type.Optional(Type.Union(['success', 'failure', 'denied'].map((outcome) => Type.Literal(outcome)))),
    actor: Type.Optional(Type.String({ maxLength: 200 })),
    target: Type.Optional(Type.String({ maxLength: 200 })),
    person: Type.Optional(Type.String({ maxLength: 200 })),
    client: Type.Optional(Type.String({ maxLength: 2000 })),
    ip: Type.Optional(Type.String({ maxLength: 45 })),
    search: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    correlationId: Type.Optional(Type.String({ maxLength: 64 })),
    from: Type.Optional(Type.String({ format: 'date-time' })),
    to: Type.Optional(Type.String({ format: 'date-time' })),
  },
  closed,
);
const EventParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
const Reference = Type.Object({ type: Type.String(), id: nullable }, closed);
const EventView = Type.Object(
  {
    id: Type.String(),
    occurredAt: Type.String({ format: 'date-time' }),
    type: Type.String(),
    outcome: Type.String(),
    actor: Reference,
    target: Type.Union([Reference, Type.Null()]),
    subjectId: nullable,
    clientId: nullable,
    organizationId: nullable,
    reason: nullable,
    correlationId: nullable,
    ip: nullable,
    before: Type.Unknown(),
    after: Type.Unknown(),
    details: Type.Unknown(),
  },
  closed,
);
const EventList = Type.Object({ items: Type.Array(EventView), nextCursor: nullable }, closed);

export type EventView = Static<typeof EventView>;

export const eventView = (event: StoredEvent): EventView => ({
  id: event.id,
  occurredAt: event.occurred_at.toISOString(),
  type: event.type,
  outcome: event.outcome,
  actor: { type: event.actor_type, id: event.actor_id },
  target: event.target_type === null ? null : { type: event.target_type, id: event.target_id },
  subjectId: event.subject_id,
  clientId: event.client_id,
  organizationId: event.organization_id,
  reason: event.reason,
  correlationId: event.correlation_id,
  ip: event.ip,
  before: event.payload.before ?? null,
  after: event.payload.after ?? null,
  details: event.payload.details ?? null,
});

interface Reach {
  reach: PermissionScope;
  organizationIds: readonly string[];
}

const scopeOf = ({ reach, organizationIds }: Reach): TenantScope => (reach === 'any' ? 'all' : organizationIds);

export const placeOf = (event: StoredEvent): [string, string] => [event.occurred_at.toISOString(), event.id];

export const mountAuditRoutes = (admin: AdminRoutes, events: AuditReader): void => {
  admin.get(
    '/api/v1/audit/events',
    { summary: 'List audit events, newest first', permission: 'audit:read', query: EventQuery, response: EventList, status: 200 },
    async ({ query, ...caller }) => {
      const { limit = 50, cursor, from, to, ...filter } = query;
      const before = decodeCursor(cursor, 'time', 'uuid');
      const period = { from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) };
      const rows = await events.list(scopeOf(caller), { ...filter, ...period }, limit + 1, before);
      return pageOfItems(rows, limit, placeOf, eventView);
    },
  );
  admin.get(
    '/api/v1/audit/events/:id',
    { summary: 'Read one audit event', permission: 'audit:read', params: EventParams, response: EventView, status: 200 },
    async ({ params, ...caller }) => {
      const event = await events.find(scopeOf(caller), params.id);
      if (!event) throw errors.not_found();
      return eventView(event);
    },
  );
};
