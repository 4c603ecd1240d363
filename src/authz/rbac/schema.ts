import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';
import { permissionPattern } from './permission.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const text = Type.String({ minLength: 1, maxLength: 500 });
export const PermissionName = Type.String({ pattern: permissionPattern, maxLength: 310 });
// No colon and no slash: it stands in addresses.
export const ObjectName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$' });
/** For rights that a rule keeps apart (FEATURES Z7); needs `sod:override`. */
const override = Type.Optional(Type.Object({ reason: text }, closed));
/** A name is accepted wherever an id is (CONTRACT.md). */
export const Reference = Type.String({ minLength: 1, maxLength: 310 });

export const RoleBody = Type.Object(
  {
    name: ObjectName,
    description: Type.Optional(text),
    permissions: Type.Optional(Type.Array(PermissionName, { maxItems: 1000, uniqueItems: true })),
    parents: Type.Optional(Type.Array(Reference, { maxItems: 20, uniqueItems: true })),
    organizationId: Type.Optional(id),
    createPermissions: Type.Optional(Type.Boolean()),
    override,
  },
  closed,
);
export type RoleInput = Static<typeof RoleBody>;
export const RoleView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: nullable,
    organizationId: nullable,
    isSystem: Type.Boolean(),
    permissions: Type.Array(Type.String()),
    parents: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }, closed)),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type RoleView = Static<typeof RoleView>;
export const RoleQuery = Type.Object(
  { ...ListQuery, search: Type.Optional(Type.String({ maxLength: 200 })), organizationId: Type.Optional(id) },
  closed,
);
export const SearchQuery = Type.Object({ ...ListQuery, search: Type.Optional(Type.String({ maxLength: 200 })) }, closed);
export const OrganizationQuery = Type.Object({ organizationId: Type.Optional(id) }, closed);

export const RoleParams = Type.Object({ role: Reference }, closed);
export const PermissionParams = Type.Object({ permission: Reference }, closed);
export const UserParams = Type.Object({ id }, closed);
export const UserRoleParams = Type.Object({ id, role: Reference }, closed);
export const UserPermissionParams = Type.Object({ id, permission: Reference }, closed);
export const GroupParams = Type.Object({ group: Reference }, closed);
export const GroupRoleParams = Type.Object({ group: Reference, role: Reference }, closed);

export const PermissionBody = Type.Object({ name: PermissionName, description: Type.Optional(text) }, closed);
export const PermissionView = Type.Object(
  { id: Type.String(), name: Type.String(), description: nullable, createdAt: time },
  closed,
);

const span = { startsAt: Type.Optional(time), expiresAt: Type.Optional(time), reason: Type.Optional(text), override };
export const AssignmentBody = Type.Object(
  { role: Reference, organizationId: Type.Optional(id), eligible: Type.Optional(Type.Boolean()), ...span },
  closed,
);
export type AssignmentInput = Static<typeof AssignmentBody>;
export const MembersBody = Type.Object(
  {
    userIds: Type.Array(id, { minItems: 1, maxItems: 1000, uniqueItems: true }),
    organizationId: Type.Optional(id),
    eligible: Type.Optional(Type.Boolean()),
    ...span,
  },
  closed,
);
const assignment = {
  id: Type.String(),
  userId: Type.String(),
  role: Type.Object({ id: Type.String(), name: Type.String() }, closed),
  organizationId: nullable,
  eligible: Type.Boolean(),
  startsAt: nullable,
  expiresAt: nullable,
  reason: nullable,
  grantedBy: nullable,
  createdAt: time,
};
export const AssignmentView = Type.Object(assignment, closed);
export type AssignmentView = Static<typeof AssignmentView>;
export const MemberView = Type.Object({ ...assignment, email: nullable }, closed);

export const UserPermissionBody = Type.Object(
  { permission: Reference, effect: Type.Optional(Type.Union([Type.Literal('allow'), Type.Literal('deny')])), ...span },
  closed,
);
export type UserPermissionInput = Static<typeof UserPermissionBody>;
export const UserPermissionView = Type.Object(
  {
    id: Type.String(),
    userId: Type.String(),
    permission: Type.String(),
    effect: Type.String(),
    startsAt: nullable,
    expiresAt: nullable,
    reason: nullable,
    grantedBy: nullable,
    createdAt: time,
  },
  closed,
);
export type UserPermissionView = Static<typeof UserPermissionView>;

export const GroupRoleBody = Type.Object({ role: Reference, override }, closed);
export type GroupRoleInput = Static<typeof GroupRoleBody>;
export const GroupRoleView = Type.Object({ id: Type.String(), name: Type.String(), createdAt: time }, closed);

const ViaView = Type.Object(
  {
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
export const EffectiveView = Type.Object(
  {
    roles: Type.Array(Type.String()),
    permissions: Type.Array(Type.Object({ permission: Type.String(), effect: Type.String(), via: Type.Array(ViaView) }, closed)),
    /** Assigned for activation; confers nothing by itself. */
    eligible: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          role: Type.Object({ id: Type.String(), name: Type.String() }, closed),
          organizationId: nullable,
          startsAt: nullable,
          expiresAt: nullable,
        },
        closed,
      ),
    ),
  },
  closed,
);
export type EffectiveView = Static<typeof EffectiveView>;
