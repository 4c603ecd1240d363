import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
/** No control characters, nothing that turns the direction of what stands around (IN-05). */
const name = Type.String({ pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*[\\p{L}\\p{N}][^\\p{C}\\p{Zl}\\p{Zp}]*$', maxLength: 120 });
const slug = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' });
/** An id or a slug. */
const reference = Type.String({ minLength: 1, maxLength: 63 });

/** What hosted pages show (FEATURES A12, TN-06): words, a picture by its address, one colour. */
export const Branding = Type.Object(
  {
    displayName: Type.Optional(name),
    logoUri: Type.Optional(Type.String({ format: 'uri', pattern: '^https://', maxLength: 1000 })),
    accentColor: Type.Optional(Type.String({ pattern: '^#[0-9a-fA-F]{6}$' })),
  },
  closed,
);
export type Branding = Static<typeof Branding>;

export const OrganizationBody = Type.Object(
  {
    name,
    slug: Type.Optional(slug),
    parent: Type.Optional(Type.Union([reference, Type.Null()])),
    branding: Type.Optional(Branding),
  },
  closed,
);
export type OrganizationWish = Static<typeof OrganizationBody>;
export const OrganizationChangeBody = Type.Object(
  { ...OrganizationBody.properties, status: Type.Optional(Type.Union([Type.Literal('active'), Type.Literal('suspended')])) },
  closed,
);
export type OrganizationChange = Static<typeof OrganizationChangeBody>;
export const OrganizationView = Type.Object(
  {
    id,
    name: Type.String(),
    slug: Type.String(),
    status: Type.String(),
    parent: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }, closed), Type.Null()]),
    branding: Branding,
    memberCount: Type.Integer(),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type OrganizationView = Static<typeof OrganizationView>;
export const OrganizationQuery = Type.Object(
  {
    ...ListQuery,
    search: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    parent: Type.Optional(reference),
    userId: Type.Optional(id),
  },
  closed,
);
export const OrganizationParams = Type.Object({ organization: reference }, closed);
export const MemberParams = Type.Object({ organization: reference, userId: id }, closed);
/** `override`: for rights that a rule keeps apart (FEATURES Z7); needs `sod:override`. */
export const MemberBody = Type.Object(
  {
    userId: id,
    override: Type.Optional(Type.Object({ reason: Type.String({ minLength: 1, maxLength: 500 }) }, closed)),
  },
  closed,
);
export type MemberInput = Static<typeof MemberBody>;
export const MemberView = Type.Object({ userId: id, email: nullable, name: nullable, createdAt: time }, closed);
export type MemberView = Static<typeof MemberView>;
