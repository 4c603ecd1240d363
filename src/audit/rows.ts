import { uuidv7 } from '../platform/crypto/index.ts';
import { currentScope } from '../platform/logging/index.ts';
import type { AuditEvent } from '../platform/ports.ts';

export interface AuditRow {
  id: string;
  occurred_at: Date;
  type: string;
  outcome: string;
  actor_type: string;
  actor_id: string | null;
  subject_id: string | null;
  client_id: string | null;
  organization_id: string | null;
  session_uid: string | null;
  target_type: string | null;
  target_id: string | null;
  reason: string | null;
  correlation_id: string | null;
  ip: string | null;
  payload: string;
}

const orNull = (value: string | undefined): string | null => value ?? null;

const payloadOf = ({ before, after, details }: AuditEvent): string =>
  JSON.stringify({ ...(before && { before }), ...(after && { after }), ...(details && { details }) });

/** The event with the time, the request it belongs to, and an id of its own. */
export const rowOf = (event: AuditEvent, now: Date): AuditRow => {
  const { actor = { type: 'system' as const }, target } = event;
  const scope = currentScope();
  return {
    id: uuidv7(now),
    occurred_at: now,
    type: event.type,
    outcome: event.outcome,
    actor_type: actor.type,
    actor_id: orNull('id' in actor ? actor.id : undefined),
    subject_id: orNull(event.subjectId),
    client_id: orNull(event.clientId),
    organization_id: orNull(event.organizationId),
    session_uid: orNull(event.sessionUid),
    target_type: orNull(target?.type),
    target_id: orNull(target?.id),
    reason: orNull(event.reason?.slice(0, 500)),
    correlation_id: orNull(scope?.correlationId),
    ip: orNull(scope?.ip),
    payload: payloadOf(event),
  };
};
