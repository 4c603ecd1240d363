/** Shapes of AuthZEN 1.0 §5-§8: further members are allowed and ignored. */
import { Type } from '@sinclair/typebox';

const closed = { additionalProperties: false };
const open = { additionalProperties: true };
const properties = Type.Record(Type.String(), Type.Unknown());
const identifier = Type.String({ minLength: 1, maxLength: 500 });

const Subject = Type.Object({ type: identifier, id: identifier, properties: Type.Optional(properties) }, open);
const Action = Type.Object({ name: identifier, properties: Type.Optional(properties) }, open);
const Resource = Type.Object({ type: identifier, id: identifier, properties: Type.Optional(properties) }, open);
const context = Type.Optional(properties);
export const Evaluation = Type.Object({ subject: Subject, action: Action, resource: Resource, context }, open);
export const Evaluations = Type.Object(
  {
    // What an item leaves out comes from here.
    subject: Type.Optional(Type.Partial(Subject)),
    action: Type.Optional(Type.Partial(Action)),
    resource: Type.Optional(Type.Partial(Resource)),
    context,
    // §7.2.1: a mistake in one item is that item's answer.
    evaluations: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 100 })),
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
export const Decision = Type.Object({ decision: Type.Boolean(), context: Type.Optional(properties) }, closed);
export const Decisions = Type.Object(
  { decision: Type.Optional(Type.Boolean()), context, evaluations: Type.Optional(Type.Array(Decision)) },
  closed,
);

const page = Type.Optional(
  Type.Object(
    { token: Type.Optional(Type.String({ maxLength: 1024 })), limit: Type.Optional(Type.Integer({ minimum: 0 })) },
    open,
  ),
);
/** Of what is looked for only the type counts; an id is ignored (§8.4.1, §8.5.1). */
const Wanted = Type.Object({ type: identifier, properties: Type.Optional(properties) }, open);
export const SubjectSearch = Type.Object({ subject: Wanted, action: Action, resource: Resource, context, page }, open);
export const ResourceSearch = Type.Object({ subject: Subject, action: Action, resource: Wanted, context, page }, open);
export const ActionSearch = Type.Object({ subject: Subject, resource: Resource, context, page }, open);
export const SearchResults = Type.Object(
  {
    page: Type.Optional(Type.Object({ next_token: Type.String(), count: Type.Integer() }, closed)),
    results: Type.Array(properties),
  },
  closed,
);
export const Metadata = Type.Record(Type.String(), Type.Unknown());
