import { Type } from '@sinclair/typebox';
import { segmentPattern } from '../rbac/permission.ts';

const closed = { additionalProperties: false };
const attributes = Type.Record(Type.String(), Type.Unknown());
const word = Type.String({ pattern: `^${segmentPattern}$` });
const identifier = Type.String({ minLength: 1, maxLength: 500 });

const CheckShape = {
  subject: Type.Optional(
    Type.Object({ id: identifier, type: Type.Optional(Type.Union([Type.Literal('user'), Type.Literal('client')])) }, closed),
  ),
  action: word,
  actionProperties: Type.Optional(attributes),
  resource: Type.Object({ type: word, id: Type.Optional(identifier), attributes: Type.Optional(attributes) }, closed),
  context: Type.Optional(attributes),
  explain: Type.Optional(Type.Boolean()),
};
export const CheckOne = Type.Object(CheckShape, closed);
const { resource: _resource, explain: _explain, ...About } = CheckShape;
/** A question about all objects of a type; attributes are those that all of them have. */
export const FilterBody = Type.Object(
  { ...About, resource: Type.Object({ type: word, attributes: Type.Optional(attributes) }, closed) },
  closed,
);
export const FilterView = Type.Object(
  {
    kind: Type.Union([Type.Literal('always'), Type.Literal('never'), Type.Literal('conditional')]),
    /** JSON Logic over `resource.*`. */
    condition: Type.Optional(Type.Unknown()),
  },
  closed,
);

/** One question, or a batch of them in `checks` (CONTRACT.md). */
export const CheckBody = Type.Object(
  { ...Type.Partial(CheckOne).properties, checks: Type.Optional(Type.Array(CheckOne, { minItems: 1, maxItems: 100 })) },
  closed,
);
const Decided = {
  allowed: Type.Boolean(),
  reasons: Type.Optional(Type.Array(attributes)),
  wouldAllow: Type.Optional(Type.Array(attributes)),
};
export const CheckView = Type.Object(
  { ...Type.Partial(Type.Object(Decided)).properties, results: Type.Optional(Type.Array(Type.Object(Decided, closed))) },
  closed,
);
