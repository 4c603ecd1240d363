import { type Static, Type } from '@sinclair/typebox';
import { segmentPattern } from '../rbac/permission.ts';

const closed = { additionalProperties: false };
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const segment = Type.String({ pattern: `^(?:\\*|${segmentPattern})$` });
const anything = Type.Record(Type.String(), Type.Unknown());

export const Effect = Type.Union([Type.Literal('allow'), Type.Literal('deny')]);
const Case = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 200 })),
    subject: Type.Optional(anything),
    action: Type.String({ minLength: 1, maxLength: 200 }),
    actionProperties: Type.Optional(anything),
    resource: Type.Object(
      {
        type: Type.String({ minLength: 1, maxLength: 200 }),
        id: Type.Optional(Type.String({ maxLength: 500 })),
        attributes: Type.Optional(anything),
      },
      closed,
    ),
    context: Type.Optional(anything),
    expected: Type.Optional(Type.Boolean()),
  },
  closed,
);
const Target = Type.Object(
  {
    actions: Type.Optional(Type.Array(segment, { minItems: 1, maxItems: 100 })),
    resources: Type.Optional(Type.Array(segment, { minItems: 1, maxItems: 100 })),
  },
  closed,
);

export type PolicyCase = Static<typeof Case>;
export type PolicyTarget = Static<typeof Target>;

export const PolicyBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    effect: Effect,
    target: Target,
    condition: Type.Unknown(),
    priority: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000 })),
    tests: Type.Optional(Type.Array(Case, { maxItems: 100 })),
    organizationId: Type.Optional(Type.String({ format: 'uuid' })),
  },
  closed,
);
export type PolicyInput = Static<typeof PolicyBody>;
/** Nothing, or `{}`. */
export const NoBody = Type.Object({}, closed);
export const PolicyParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);

export const VersionView = Type.Object(
  {
    version: Type.Integer(),
    state: Type.String(),
    effect: Effect,
    priority: Type.Integer(),
    target: Target,
    condition: Type.Unknown(),
    tests: Type.Array(Case),
    createdBy: nullable,
    createdAt: time,
    activatedAt: nullable,
  },
  closed,
);
export const PolicyView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    organizationId: nullable,
    activeVersion: Type.Union([Type.Integer(), Type.Null()]),
    ...VersionView.properties,
    updatedAt: time,
  },
  closed,
);
export type PolicyView = Static<typeof PolicyView>;

/** Cases of its own, one case, or the ones stored with the policy. */
export const TestBody = Type.Object(
  { cases: Type.Optional(Type.Array(Case, { maxItems: 100 })), ...Type.Partial(Case).properties },
  closed,
);
export const TestView = Type.Object(
  {
    passed: Type.Boolean(),
    results: Type.Array(
      Type.Object(
        {
          name: nullable,
          targeted: Type.Boolean(),
          applies: Type.Boolean(),
          expected: Type.Union([Type.Boolean(), Type.Null()]),
          passed: Type.Boolean(),
          failed: Type.Unknown(),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type TestView = Static<typeof TestView>;
export const DryRunBody = Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) }, closed);
export const DryRunView = Type.Object(
  {
    examined: Type.Integer(),
    changes: Type.Array(
      Type.Object(
        {
          at: time,
          subjectId: nullable,
          action: Type.String(),
          resource: Type.String(),
          before: Type.Boolean(),
          after: Type.Boolean(),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type DryRunView = Static<typeof DryRunView>;
