import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const optional = (maxLength = 200) => Type.Optional(text(maxLength));
const uri = Type.Optional(Type.String({ format: 'uri', pattern: '^https?://', maxLength: 1000 }));

/** OpenID Connect Core §5.1 by camelCase names, as far as a person may say them of themselves at sign-up. */
const said = {
  name: optional(),
  givenName: optional(),
  familyName: optional(),
  middleName: optional(),
  nickname: optional(),
  profile: Type.Optional(Type.String({ format: 'uri', maxLength: 1000 })),
  website: Type.Optional(Type.String({ format: 'uri', maxLength: 1000 })),
  gender: optional(50),
  birthdate: Type.Optional(Type.String({ pattern: '^\\d{4}(-\\d{2}-\\d{2})?$' })),
  zoneinfo: optional(100),
  locale: optional(35),
};
export const SaidProfile = Type.Object(said, closed);
export type SaidProfile = Static<typeof SaidProfile>;

/** §5.1.1 */
const Address = Type.Object(
  {
    formatted: optional(500),
    streetAddress: optional(300),
    locality: optional(),
    region: optional(),
    postalCode: optional(40),
    country: optional(),
  },
  closed,
);
/** What of a profile may be set; addresses, numbers and user names are identifiers. */
export const Profile = Type.Object(
  { ...said, profile: uri, website: uri, picture: uri, address: Type.Optional(Address) },
  closed,
);
export type Profile = Static<typeof Profile>;

export const UserView = Type.Object(
  {
    id,
    email: nullable,
    emailVerified: Type.Boolean(),
    name: nullable,
    status: Type.String(),
    profile: Type.Record(Type.String(), Type.Unknown()),
    organizations: Type.Array(Type.Object({ id, name: Type.String() }, closed)),
    lastSignInAt: nullable,
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type UserView = Static<typeof UserView>;

/** Somebody who was asked to come: no account yet, or one that the caller may not know of. */
export const InvitedView = Type.Object(
  {
    id,
    email: Type.String(),
    emailVerified: Type.Literal(false),
    name: nullable,
    status: Type.Literal('invited'),
    invitationExpiresAt: time,
  },
  closed,
);

export const UserBody = Type.Object(
  {
    email: text(320),
    name: optional(),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    invite: Type.Optional(Type.Boolean()),
    organizationId: Type.Optional(id),
    profile: Type.Optional(Profile),
  },
  closed,
);
export type UserWish = Static<typeof UserBody>;
export const UserChangeBody = Type.Object(
  { email: optional(320), name: Type.Optional(Type.Union([text(200), Type.Null()])), profile: Type.Optional(Profile) },
  closed,
);
export type UserChange = Static<typeof UserChangeBody>;
export const UserParams = Type.Object({ id }, closed);
export const UserQuery = Type.Object(
  {
    ...ListQuery,
    /** Part of an address, number, user name or name. */
    search: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    email: optional(320),
    status: Type.Optional(
      Type.Union(['active', 'pending', 'locked', 'deactivated', 'deleted'].map((status) => Type.Literal(status))),
    ),
    organizationId: Type.Optional(id),
    groupId: Type.Optional(id),
    createdAfter: Type.Optional(time),
    createdBefore: Type.Optional(time),
    sort: Type.Optional(Type.Union([Type.Literal('-createdAt'), Type.Literal('createdAt')])),
  },
  closed,
);
export type UserQuery = Static<typeof UserQuery>;
