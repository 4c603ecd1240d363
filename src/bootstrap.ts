import { readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import { type Config, ConfigError } from './platform/config/index.ts';

const text = Type.String({ minLength: 1 });
const open = { additionalProperties: true };

/** CONTRACT.md, `BOOTSTRAP_FILE`. Clients are RFC 7591 metadata, users carry OpenID Connect claims. */
const BootstrapFile = Type.Object(
  {
    clients: Type.Optional(Type.Array(Type.Object({ client_id: text }, open))),
    resources: Type.Optional(
      Type.Array(
        Type.Object(
          {
            identifier: text,
            name: text,
            scopes: Type.Array(Type.Union([text, Type.Object({ name: text, description: Type.Optional(text) })])),
            accessTokenFormat: Type.Union([Type.Literal('jwt'), Type.Literal('opaque')]),
            accessTokenTtlSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
            signingAlg: Type.Optional(text),
            introspectionClients: Type.Optional(Type.Array(text)),
          },
          { additionalProperties: false },
        ),
      ),
    ),
    users: Type.Optional(Type.Array(Type.Object({ email: text, password: text }, open))),
    organizations: Type.Optional(Type.Array(Type.Object({}, open))),
  },
  { additionalProperties: false },
);

export interface Bootstrap {
  clients: (Record<string, unknown> & { client_id: string })[];
  resources: {
    identifier: string;
    name: string;
    scopes: { name: string; description?: string | undefined }[];
    accessTokenFormat: 'jwt' | 'opaque';
    accessTokenTtlSeconds: number | undefined;
    signingAlg: string | undefined;
    introspectionClients: string[];
  }[];
  users: (Record<string, unknown> & { email: string; password: string })[];
}

const nothing: Bootstrap = { clients: [], resources: [], users: [] };

const isFile = new Ajv({ allErrors: true }).compile<{
  clients?: Bootstrap['clients'];
  resources?: (Omit<Bootstrap['resources'][number], 'scopes'> & {
    scopes: (string | { name: string })[];
    introspectionClients?: string[];
  })[];
  users?: Bootstrap['users'];
}>(BootstrapFile);

const parse = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError([`BOOTSTRAP_FILE: ${error instanceof Error ? error.message : String(error)}`]);
  }
};

/** @throws ConfigError with one line per mistake */
export const readBootstrap = ({ bootstrapFile }: Pick<Config, 'bootstrapFile'>): Bootstrap => {
  if (bootstrapFile === undefined) return nothing;
  const content = parse(bootstrapFile);
  if (!isFile(content)) {
    throw new ConfigError(
      (isFile.errors ?? []).map(({ instancePath, message }) => `BOOTSTRAP_FILE: ${instancePath || '/'} ${message}`),
    );
  }
  const { clients = [], resources = [], users = [] } = content;
  return {
    clients,
    users,
    resources: resources.map((resource) => ({
      ...resource,
      scopes: resource.scopes.map((scope) => (typeof scope === 'string' ? { name: scope } : scope)),
      introspectionClients: resource.introspectionClients ?? [],
    })),
  };
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
    birthdate: '1815-12-10',
    zoneinfo: 'Europe/London',
    locale: 'en-GB',
    phone_number: '+44 20 7946 0000',
    phone_number_verified: true,
    address: { formatted: '12 St James Square, London' },
  },
} as const;
