import { readFileSync } from 'node:fs';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import { type BootstrapRegistrations, judgeBootstrap } from './oidc/index.ts';
import { type Config, ConfigError } from './platform/config/index.ts';

const text = Type.String({ minLength: 1, maxLength: 1000 });
const flag = Type.Boolean();
const email = Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', maxLength: 320 });

const optional = (shapes: Record<string, TSchema>): Record<string, TSchema> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, Type.Optional(shape)]));

/** OpenID Connect Core §5.1. */
const claims = {
  name: text,
  given_name: text,
  family_name: text,
  middle_name: text,
  nickname: text,
  preferred_username: text,
  profile: text,
  picture: text,
  website: text,
  gender: text,
  birthdate: text,
  zoneinfo: text,
  locale: text,
  phone_number: text,
  phone_number_verified: flag,
  address: Type.Object({}, { additionalProperties: text }),
};

const User = Type.Object(
  {
    email,
    email_verified: Type.Optional(flag),
    password: Type.String({ minLength: 8, maxLength: 256 }),
    roles: Type.Optional(Type.Array(text, { maxItems: 100 })),
    ...optional(claims),
  },
  { additionalProperties: false },
);

const slug = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' });
const Organization = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 120 }),
    slug: Type.Optional(slug),
    parent: Type.Optional(slug),
    branding: Type.Optional(
      Type.Object(
        {
          displayName: Type.Optional(Type.String({ minLength: 1, maxLength: 120 })),
          logoUri: Type.Optional(Type.String({ pattern: '^https://', maxLength: 1000 })),
          accentColor: Type.Optional(Type.String({ pattern: '^#[0-9a-fA-F]{6}$' })),
        },
        { additionalProperties: false },
      ),
    ),
    members: Type.Optional(Type.Array(email, { maxItems: 10_000 })),
  },
  { additionalProperties: false },
);

/** CONTRACT.md, `BOOTSTRAP_FILE`; clients and resources are judged by the room that keeps them. */
const BootstrapFile = Type.Object(
  {
    clients: Type.Optional(Type.Array(Type.Unknown())),
    resources: Type.Optional(Type.Array(Type.Unknown())),
    users: Type.Optional(Type.Array(User, { maxItems: 10_000 })),
    organizations: Type.Optional(Type.Array(Organization, { maxItems: 10_000 })),
  },
  { additionalProperties: false },
);

export interface Bootstrap extends BootstrapRegistrations {
  users: (Record<string, unknown> & { email: string; password: string; roles?: string[] })[];
  organizations: Static<typeof Organization>[];
}

const ajv = new Ajv({ allErrors: true });
const nothing: Bootstrap = { clients: [], resources: [], users: [], organizations: [] };

const parse = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The parser's own words quote the text, which holds secrets.
    const reason = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new ConfigError([`BOOTSTRAP_FILE: ${reason}`]);
  }
};

type Failure = NonNullable<ReturnType<Ajv['compile']>['errors']>[number];

const words = ({ instancePath, message, params }: Failure): string => {
  const { additionalProperty, missingProperty } = params as { additionalProperty?: string; missingProperty?: string };
  if (additionalProperty !== undefined) return `${instancePath}/${additionalProperty} is not known`;
  if (missingProperty !== undefined) return `${instancePath}/${missingProperty} is required`;
  return `${instancePath || '/'} ${message}`;
};

/**
 * Reads and checks the whole file before anything is opened or written.
 * @throws ConfigError with one line per mistake
 */
export const readBootstrap = (config: Pick<Config, 'bootstrapFile' | 'issuer' | 'outboundAllow' | 'profile'>): Bootstrap => {
  if (config.bootstrapFile === undefined) return nothing;
  const content = parse(config.bootstrapFile);
  const isFile = ajv.compile<Partial<Bootstrap>>(BootstrapFile);
  const own = isFile(content) ? [] : (isFile.errors ?? []).map(words);
  const { clients = [], resources = [], users = [], organizations = [] } = (content ?? {}) as Partial<Bootstrap>;
  const theirs = judgeBootstrap({ clients, resources }, config).map(({ path, message }) => `${path} ${message}`);
  const mistakes = [...new Set([...own, ...theirs])];
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((mistake) => `BOOTSTRAP_FILE: ${mistake}`));
  return { clients, resources, users, organizations };
};

/** PROFILE=conformance: a person with every standard claim (CONTRACT.md). */
export const conformancePerson = {
  email: 'conformance@example.test',
  claims: {
    name: 'Ada Lovelace',
    family_name: 'Lovelace',
    given_name: 'Ada',
    middle_name: 'King',
    nickname: 'ada',
    preferred_username: 'ada',
    profile: 'https://ada.example.test/',
    picture: 'https://ada.example.test/picture.png',
    website: 'https://ada.example.test/',
    gender: 'female',
    birthdate: '1975-12-10',
    zoneinfo: 'Europe/London',
    locale: 'en-GB',
    phone_number: '+44 20 7946 0000',
    phone_number_verified: true,
    address: { formatted: '12 St James Square, London' },
  },
} as const;
