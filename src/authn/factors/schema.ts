import { Type } from '@sinclair/typebox';
import { listOf } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 200 });
const time = Type.String({ format: 'date-time' });

export const EnableBody = Type.Object({ name: Type.Optional(Type.String({ maxLength: 60 })) }, closed);
export const EnrolmentView = Type.Object(
  { deviceId: Type.String({ format: 'uuid' }), secret: text, otpauthUrl: Type.String(), qrSvg: Type.String() },
  closed,
);
export const VerifyBody = Type.Object({ deviceId: Type.String({ format: 'uuid' }), code: text }, closed);
export const RecoveryCodesView = Type.Object({ recoveryCodes: Type.Array(Type.String()) }, closed);
export const DisableBody = Type.Object(
  { password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })), code: Type.Optional(text) },
  closed,
);
export const DeviceParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
export const RenameBody = Type.Object({ name: Type.String({ minLength: 1, maxLength: 60, pattern: '\\S' }) }, closed);
const Device = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.Union(['totp', 'webauthn', 'sms', 'email'].map((kind) => Type.Literal(kind))),
    name: Type.String(),
    createdAt: time,
    lastUsedAt: Type.Union([time, Type.Null()]),
    hint: Type.Optional(Type.String()),
    isBackedUp: Type.Optional(Type.Boolean()),
  },
  closed,
);
export const DeviceList = Type.Object(
  { items: Type.Array(Device), nextCursor: Type.Null(), recoveryCodesLeft: Type.Integer() },
  closed,
);

export const PolicyView = Type.Object(
  {
    scope: Type.Union(['site', 'role', 'client', 'organization', 'risk'].map((scope) => Type.Literal(scope))),
    target: Type.String({ maxLength: 500 }),
    requirement: Type.Union(['off', 'optional', 'required', 'denied'].map((requirement) => Type.Literal(requirement))),
  },
  closed,
);
export const ResetParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
export const ResetBody = Type.Object({ reason: Type.String({ minLength: 1, maxLength: 500, pattern: '\\S' }) }, closed);
export const ResetView = Type.Object({ removed: Type.Integer() }, closed);
export const PolicyList = listOf(PolicyView);
export const PolicyQuery = Type.Object(
  { scope: Type.String({ maxLength: 20 }), target: Type.Optional(Type.String({ maxLength: 500 })) },
  closed,
);
