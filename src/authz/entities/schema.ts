import { type Static, Type } from '@sinclair/typebox';
import { ListQuery } from '../../platform/http/index.ts';
import { segmentPattern } from '../rbac/permission.ts';

const closed = { additionalProperties: false };
const uuid = Type.String({ format: 'uuid' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const type = Type.String({ pattern: `^${segmentPattern}$` });
/** As an application names it; no control characters, for it goes into tags of caches. */
const entityId = Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\x00-\\x1F\\x7F]+$' });
const attributes = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown());

const Entity = Type.Object({ type, id: entityId, attributes: Type.Optional(attributes), userId: Type.Optional(uuid) }, closed);
export const EntitiesBody = Type.Object(
  { entities: Type.Array(Entity, { minItems: 1, maxItems: 1000 }), organizationId: Type.Optional(uuid) },
  closed,
);
export type EntitiesInput = Static<typeof EntitiesBody>;
export const EntitiesView = Type.Object({ registered: Type.Integer() }, closed);
export const EntityQuery = Type.Object({ ...ListQuery, type: Type.Optional(type), id: Type.Optional(entityId) }, closed);
export const EntityParams = Type.Object({ id: uuid }, closed);
export const EntityView = Type.Object(
  {
    /** Our own. */
    key: Type.String(),
    type: Type.String(),
    id: Type.String(),
    organizationId: nullable,
    attributes,
    userId: nullable,
    updatedAt: Type.String({ format: 'date-time' }),
  },
  closed,
);
export type EntityView = Static<typeof EntityView>;
