import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const text = Type.String({ minLength: 1, maxLength: 500 });
// No slash and no colon: it stands in addresses.
const name = Type.String({ pattern: "^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N} &'()._-]{0,99}$" });
/** A name is accepted wherever an id is (CONTRACT.md). */
const reference = Type.String({ minLength: 1, maxLength: 200 });
/** For rights that a rule keeps apart (FEATURES Z7); needs `sod:override`. */
const override = Type.Optional(Type.Object({ reason: text }, closed));
/** What the person is in the group. */
const role = Type.String({ pattern: '^[a-z][a-z0-9_-]{0,49}$' });

export const GroupBody = Type.Object(
  {
    name,
    description: Type.Optional(text),
    /** The group above, whose roles count here too. */
    parent: Type.Optional(Type.Union([reference, Type.Null()])),
    organizationId: Type.Optional(id),
    override,
  },
  closed,
);
export type GroupInput = Static<typeof GroupBody>;
export const GroupView = Type.Object(
  {
    id,
    name: Type.String(),
    description: nullable,
    organizationId: nullable,
    parent: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }, closed), Type.Null()]),
    memberCount: Type.Integer(),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type GroupView = Static<typeof GroupView>;
export const GroupQuery = Type.Object(
  {
    ...ListQuery,
    search: Type.Optional(Type.String({ maxLength: 200 })),
    organizationId: Type.Optional(id),
    parent: Type.Optional(reference),
    userId: Type.Optional(id),
  },
  closed,
);
export const GroupParams = Type.Object({ group: reference }, closed);
export const MemberParams = Type.Object({ group: reference, userId: id }, closed);
export const MemberBody = Type.Object({ userId: id, role: Type.Optional(role), override }, closed);
export type MemberInput = Static<typeof MemberBody>;
export const MemberRoleBody = Type.Object({ role }, closed);
export const MemberView = Type.Object(
  { userId: id, role: Type.String(), email: nullable, name: nullable, createdAt: time },
  closed,
);
export type MemberView = Static<typeof MemberView>;
