import { Type } from '@sinclair/typebox';
import { segmentPattern } from '../rbac/permission.ts';

const closed = { additionalProperties: false };
const open = { additionalProperties: true };
const attributes = Type.Record(Type.String(), Type.Unknown());
const word = Type.String({ pattern: `^${segmentPattern}$` });
const identifier = Type.String({ minLength: 1, maxLength: 500 });

const CheckShape = {
  subject: Type.Optional(
    Type.Object({ id: identifier, type: Type.Optional(Type.Union([Type.Literal('user'), Type.Literal('client')])) }, closed),
  ),
  action: word,
  resource: Type.Object({ type: word, id: Type.Optional(identifier), attributes: Type.Optional(attributes) }, closed),
  context: Type.Optional(attributes),
  explain: Type.Optional(Type.Boolean()),
};
const CheckOne = Type.Object(CheckShape, closed);
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

// AuthZEN 1.0 §5: further members are allowed and ignored.
const Subject = Type.Object({ type: identifier, id: identifier, properties: Type.Optional(attributes) }, open);
const Action = Type.Object({ name: identifier, properties: Type.Optional(attributes) }, open);
const Resource = Type.Object({ type: identifier, id: identifier, properties: Type.Optional(attributes) }, open);
const context = Type.Optional(attributes);
export const Evaluation = Type.Object({ subject: Subject, action: Action, resource: Resource, context }, open);
const PartialEvaluation = Type.Object(
  { subject: Type.Optional(Subject), action: Type.Optional(Action), resource: Type.Optional(Resource), context },
  open,
);
export const Evaluations = Type.Object(
  {
    ...PartialEvaluation.properties,
    evaluations: Type.Optional(Type.Array(PartialEvaluation, { maxItems: 100 })),
    options: Type.Optional(
      Type.Object(
        {
          evaluations_semantic: Type.Optional(
            Type.Union([Type.Literal('execute_all'), Type.Literal('deny_on_first_deny'), Type.Literal('permit_on_first_permit')]),
          ),
        },
        open,
      ),
    ),
  },
  open,
);
export const Decision = Type.Object({ decision: Type.Boolean(), context: Type.Optional(attributes) }, closed);
export const Decisions = Type.Object(
  {
    decision: Type.Optional(Type.Boolean()),
    context: Type.Optional(attributes),
    evaluations: Type.Optional(Type.Array(Decision)),
  },
  closed,
);
const page = Type.Optional(
  Type.Object(
    { token: Type.Optional(Type.String({ maxLength: 512 })), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) },
    open,
  ),
);
const Kind = Type.Object({ type: identifier, id: Type.Optional(Type.String()), properties: Type.Optional(attributes) }, open);
export const SubjectSearch = Type.Object({ subject: Kind, action: Action, resource: Resource, context, page }, open);
export const ActionSearch = Type.Object({ subject: Subject, resource: Resource, context, page }, open);
export const SearchResults = Type.Object(
  { results: Type.Array(attributes), page: Type.Optional(Type.Object({ next_token: Type.String() }, closed)) },
  closed,
);
export const Metadata = Type.Record(Type.String(), Type.Unknown());
