import { type Static, Type } from '@sinclair/typebox';
import { errors } from '../platform/errors/index.ts';
import { type AdminRoutes, decodeCursor, ListQuery, pageOfItems } from '../platform/http/index.ts';
import type { PermissionScope } from '../platform/ports.ts';
import type { AuditRepository, StoredEvent } from './repository.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);

const EventQuery = Type.Object(
  {
    ...ListQuery,
    type: Type.Optional(Type.String({ maxLength: 100 })),
    actor: Type.Optional(Type.String({ maxLength: 200 })),
    target: Type.Optional(Type.String({ maxLength: 200 })),
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

const view = (event: StoredEvent): Static<typeof EventView> => ({
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

/** Who reads for an organization sees what happened in it (TN-03). */
const viewOf = ({ reach, organizationIds }: Reach): readonly string[] | undefined =>
  reach === 'any' ? undefined : organizationIds;

const place = (event: StoredEvent): [string, string] => [event.occurred_at.toISOString(), event.id];

export interface AuditRouteDeps {
  events: AuditRepository;
  /** Buffered events are written before a list is read. */
  flush: () => Promise<void>;
}

export const mountAuditRoutes = (admin: AdminRoutes, { events, flush }: AuditRouteDeps): void => {
  admin.get(
    '/api/v1/audit/events',
    { summary: 'List audit events, newest first', permission: 'audit:read', query: EventQuery, response: EventList, status: 200 },
    async ({ query, ...caller }) => {
      await flush();
      const { limit = 50, cursor, from, to, ...filter } = query;
      const before = decodeCursor(cursor, 'time', 'uuid');
      const period = { from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) };
      return pageOfItems(
        await events.list({ ...filter, ...period, organizationIds: viewOf(caller) }, limit + 1, before),
        limit,
        place,
        view,
      );
    },
  );
  admin.get(
    '/api/v1/audit/events/:id',
    { summary: 'Read one audit event', permission: 'audit:read', params: EventParams, response: EventView, status: 200 },
    async ({ params, ...caller }) => {
      await flush();
      const event = await events.find(params.id, viewOf(caller));
      if (!event) throw errors.not_found();
      return view(event);
    },
  );
};
