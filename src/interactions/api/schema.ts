import { type Static, Type } from '@sinclair/typebox';
import { SaidProfile } from '../../identity/index.ts';
import { deviceFields, rememberFields } from './devices.ts';

const closed = { additionalProperties: false };
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
// Whatever was typed is compared or refused by the service, in the same time; only a nonsensical size is refused here.
const secret = Type.String({ minLength: 1, maxLength: 1024 });
const login = text(320);

export const RegisterBody = Type.Object({ email: login, password: secret, profile: Type.Optional(SaidProfile) }, closed);
/** Where the tokens go: into the answer, or into cookies that script cannot read. */
export const Mode = Type.Optional(Type.Union([Type.Literal('bearer'), Type.Literal('cookie')]));
export const LoginBody = Type.Object({ email: login, password: secret, mode: Mode, ...deviceFields }, closed);
export const ValidateBody = Type.Object({ mfaToken: text(200), code: text(64), ...rememberFields }, closed);
export const RefreshBody = Type.Object({ refreshToken: Type.Optional(text(1024)) }, closed);
export const LogoutBody = Type.Object(
  { refreshToken: Type.Optional(text(1024)), everywhere: Type.Optional(Type.Boolean()) },
  closed,
);
export const PasswordBody = Type.Object({ currentPassword: secret, newPassword: secret }, closed);

export const UserView = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    email: Type.Union([Type.String(), Type.Null()]),
    emailVerified: Type.Boolean(),
    name: Type.Union([Type.String(), Type.Null()]),
    profile: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
/** For the page that waits for the mailed code (RS-13). */
const VerificationView = Type.Object(
  { flow: Type.String(), confirmationCode: Type.String(), expiresAt: Type.String({ format: 'date-time' }) },
  closed,
);
export const RegisterView = Type.Object({ user: UserView, verification: VerificationView }, closed);

const BearerView = Type.Object(
  {
    accessToken: Type.String(),
    tokenType: Type.Literal('Bearer'),
    expiresIn: Type.Integer(),
    refreshToken: Type.String(),
    user: UserView,
    deviceToken: Type.Optional(Type.String()),
  },
  closed,
);
/** Cookie mode: the tokens are in cookies. */
const CookieView = Type.Object({ csrfToken: Type.String(), expiresIn: Type.Integer(), user: UserView }, closed);
export const TokenView = Type.Union([BearerView, CookieView]);
export const CsrfView = Type.Object({ csrfToken: Type.String() }, closed);
const FactorView = Type.Object(
  { mfaRequired: Type.Literal(true), mfaToken: Type.String(), methods: Type.Array(Type.String()) },
  closed,
);
export const LoginView = Type.Union([BearerView, CookieView, FactorView]);
export type LoginAnswer = Static<typeof LoginView>;
export type TokenAnswer = Static<typeof TokenView>;

export const MeView = Type.Object(
  {
    user: UserView,
    roles: Type.Array(Type.String()),
    permissions: Type.Array(Type.String()),
    organizations: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }, closed)),
  },
  closed,
);
