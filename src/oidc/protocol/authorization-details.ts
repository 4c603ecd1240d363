import { Ajv, type ValidateFunction } from 'ajv';
import { type AuthorizationDetail, type Configuration, errors } from 'oidc-provider';

type RichAuthorizationRequests = NonNullable<NonNullable<Configuration['features']>['richAuthorizationRequests']>;

const amount = {
  type: 'object',
  properties: {
    currency: { type: 'string', pattern: '^[A-Z]{3}$' },
    amount: { type: 'string', pattern: '^\\d{1,12}(\\.\\d{1,3})?$' },
  },
  required: ['currency', 'amount'],
  additionalProperties: false,
};
const words = { type: 'array', items: { type: 'string', maxLength: 200 }, maxItems: 20 };
/** RFC 9396 §2.2: members every type may have. */
const common = {
  type: { type: 'string' },
  locations: { type: 'array', items: { type: 'string', format: undefined, maxLength: 500 }, maxItems: 10 },
  actions: words,
  datatypes: words,
  identifier: { type: 'string', maxLength: 200 },
  privileges: words,
};
const text = { type: 'string', maxLength: 200 };

/** The types of RFC 9396's own examples (§2, §7): what a consent page can put into words. */
const schemas: Readonly<Record<string, object>> = {
  account_information: {
    type: 'object',
    properties: { ...common, access: { type: 'object', maxProperties: 10 } },
    required: ['type', 'actions'],
    additionalProperties: false,
  },
  payment_initiation: {
    type: 'object',
    properties: {
      ...common,
      instructedAmount: amount,
      creditorName: text,
      creditorAccount: { type: 'object', properties: { iban: text, bic: text }, additionalProperties: false },
      debtorAccount: { type: 'object', properties: { iban: text }, additionalProperties: false },
      remittanceInformationUnstructured: text,
      remittanceInformationStructured: { type: 'object', maxProperties: 10 },
    },
    required: ['type', 'instructedAmount', 'creditorName', 'creditorAccount'],
    additionalProperties: false,
  },
};

const validators = new Map<string, ValidateFunction>();
const validatorOf = (type: string, schema: object): ValidateFunction => {
  const known = validators.get(type) ?? new Ajv({ strict: false }).compile(JSON.parse(JSON.stringify(schema)));
  validators.set(type, known);
  return known;
};

const same = (one: AuthorizationDetail, other: AuthorizationDetail): boolean => JSON.stringify(one) === JSON.stringify(other);

/** §6.1: a token request may ask for less than was granted, never for more or for something else. */
const narrowed = (
  asked: readonly AuthorizationDetail[] | undefined,
  granted: readonly AuthorizationDetail[] | undefined,
): readonly AuthorizationDetail[] | undefined => {
  if (asked === undefined) return granted;
  if (asked.every((detail) => granted?.some((other) => same(detail, other)))) return asked;
  throw new errors.InvalidAuthorizationDetails('authorization_details must be among those that were granted');
};

const askedOf = (value: unknown): readonly AuthorizationDetail[] | undefined => {
  if (typeof value !== 'string') return undefined;
  const details: unknown = JSON.parse(value);
  return Array.isArray(details) ? details : undefined;
};

/** RFC 9396: registered types only, each with its shape; the person agrees to the details as a whole. */
export const richAuthorizationRequests = (): RichAuthorizationRequests => ({
  enabled: true,
  types: Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [
      type,
      {
        validate: (_ctx: unknown, detail: AuthorizationDetail) => {
          const validate = validatorOf(type, schema);
          if (validate(detail)) return;
          const [problem] = validate.errors ?? [];
          throw new errors.InvalidAuthorizationDetails(
            `${type}${problem?.instancePath ?? ''} ${problem?.message ?? 'is not valid'}`,
          );
        },
      },
    ]),
  ),
  authorizationDetailsForGrantSource: (ctx) => askedOf(ctx.oidc.params?.authorization_details),
  authorizationDetailsForAccessToken: (ctx, _token, source) => {
    const asked = askedOf(ctx.oidc.params?.authorization_details);
    // Machine grants: what the client asks for is checked by type only, as its scopes are.
    return source === undefined ? asked : narrowed(asked, source.rar);
  },
  authorizationDetailsForIntrospection: (_ctx, token) => token.rar,
});
