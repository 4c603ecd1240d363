import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';
import { ObjectName, PermissionName, Reference } from '../rbac/schema.ts';
import type { Conflict, Holding } from './conflicts.ts';
import type { ExceptionRow } from './repository.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const text = Type.String({ minLength: 1, maxLength: 500 });

export const RuleBody = Type.Object(
  {
    name: ObjectName,
    description: Type.Optional(text),
    roles: Type.Optional(Type.Array(Reference, { maxItems: 100, uniqueItems: true })),
    permissions: Type.Optional(Type.Array(PermissionName, { maxItems: 100, uniqueItems: true })),
    /** How many of them one person may hold at a time. */
    maxHeld: Type.Optional(Type.Integer({ minimum: 1, maximum: 199 })),
    organizationId: Type.Optional(id),
  },
  closed,
);
export type RuleInput = Static<typeof RuleBody>;

export const RuleView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: nullable,
    organizationId: nullable,
    roles: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }, closed)),
    permissions: Type.Array(Type.String()),
    maxHeld: Type.Integer(),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type RuleView = Static<typeof RuleView>;

export const RuleParams = Type.Object({ id }, closed);
export const RuleQuery = Type.Object(ListQuery, closed);
export const ConflictQuery = Type.Object({ ...ListQuery, ruleId: Type.Optional(id), userId: Type.Optional(id) }, closed);

const HoldingView = Type.Object(
  {
    member: Type.String(),
    kind: Type.String(),
    ref: Type.String(),
    rolePath: Type.Array(Type.String()),
    groupPath: Type.Array(Type.String()),
    organizationId: nullable,
    startsAt: nullable,
    expiresAt: nullable,
  },
  closed,
);

const conflict = {
  rule: Type.Object({ id: Type.String(), name: Type.String() }, closed),
  userId: Type.String(),
  organizationId: nullable,
  from: time,
  holdings: Type.Array(HoldingView),
};
export const ConflictView = Type.Object(
  {
    ...conflict,
    accepted: Type.Union([Type.Object({ reason: Type.String(), grantedBy: nullable, createdAt: time }, closed), Type.Null()]),
  },
  closed,
);

const moment = (at: number): string | null => (Number.isFinite(at) && at > 0 ? new Date(at).toISOString() : null);

const holdingView = ({ label, kind, ref, rolePath, groupPath, organizationId, startsAt, expiresAt }: Holding) => ({
  member: label,
  kind,
  ref,
  rolePath: [...rolePath],
  groupPath: [...groupPath],
  organizationId,
  startsAt: moment(startsAt),
  expiresAt: moment(expiresAt),
});

export const conflictView = ({ rule, userId, organizationId, from, holdings }: Conflict) => ({
  rule: { id: rule.id, name: rule.name },
  userId,
  organizationId,
  from: new Date(from).toISOString(),
  holdings: holdings.map(holdingView),
});

/** @param exception counts as long as no more meets than was let */
export const reportView = (found: Conflict, exception: ExceptionRow | undefined): Static<typeof ConflictView> => {
  const isAccepted = exception !== undefined && found.members.every((member) => exception.members.includes(member));
  const accepted = isAccepted
    ? { reason: exception.reason, grantedBy: exception.granted_by, createdAt: exception.created_at.toISOString() }
    : null;
  return { ...conflictView(found), accepted };
};
