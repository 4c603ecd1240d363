import { Type } from '@sinclair/typebox';
import { ListQuery, listOf } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);
const time = Type.String({ format: 'date-time' });
const uuid = Type.String({ format: 'uuid' });

export const SessionView = Type.Object(
  {
    id: uuid,
    current: Type.Boolean(),
    device: nullable,
    browser: nullable,
    os: nullable,
    ip: nullable,
    place: Type.Optional(Type.String()),
    createdAt: time,
    lastSeenAt: time,
    expiresAt: time,
    acr: nullable,
    amr: Type.Array(Type.String()),
  },
  closed,
);
export const SessionList = listOf(SessionView);
export const SessionParams = Type.Object({ id: uuid }, closed);
export const SessionQuery = Type.Object({ ...ListQuery, userId: Type.Optional(uuid) }, closed);
export const EndQuery = Type.Object({ others: Type.Optional(Type.Boolean()), userId: Type.Optional(uuid) }, closed);
