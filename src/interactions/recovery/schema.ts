import { Type } from '@sinclair/typebox';

const closed = { additionalProperties: false };
const login = Type.String({ minLength: 1, maxLength: 320 });
const secret = Type.String({ minLength: 1, maxLength: 100 });
const digits = Type.String({ minLength: 1, maxLength: 20 });
const password = Type.String({ minLength: 1, maxLength: 1024 });

/** RS-13: `flow` shows that the caller asked; from elsewhere `confirmationCode`, which whoever asked was given. */
const asked = { flow: Type.Optional(secret), confirmationCode: Type.Optional(digits) };

export const AskBody = Type.Object({ email: login }, closed);
export const AskView = Type.Object(
  { flow: Type.String(), confirmationCode: Type.String(), expiresAt: Type.String({ format: 'date-time' }) },
  closed,
);
export const ResetBody = Type.Object({ token: secret, newPassword: password, ...asked }, closed);
/** `token` of the link, or `code` of the mail with `flow`. */
export const VerifyBody = Type.Object({ token: Type.Optional(secret), code: Type.Optional(digits), ...asked }, closed);
export const ChangeEmailBody = Type.Object({ newEmail: login }, closed);
const end = Type.Union([Type.Literal('old'), Type.Literal('new')]);
export const ConfirmChangeBody = Type.Object({ end, ...VerifyBody.properties }, closed);
export const ConfirmChangeView = Type.Object(
  { status: Type.Union([Type.Literal('applied'), Type.Literal('waiting')]), waitingFor: Type.Optional(end) },
  closed,
);
export const TokenBody = Type.Object({ token: secret }, closed);
