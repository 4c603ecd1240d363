import { readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import { ResourceBody, type ResourceInput } from './oidc/index.ts';
import { type Config, ConfigError } from './platform/config/index.ts';

const text = Type.String({ minLength: 1 });
const open = { additionalProperties: true };

/** CONTRACT.md, `BOOTSTRAP_FILE`. Clients are RFC 7591 metadata, users carry OpenID Connect claims. */
const BootstrapFile = Type.Object(
  {
    clients: Type.Optional(Type.Array(Type.Object({ client_id: text }, open))),
    resources: Type.Optional(Type.Array(ResourceBody)),
    users: Type.Optional(Type.Array(Type.Object({ email: text, password: text }, open))),
    organizations: Type.Optional(Type.Array(Type.Object({}, open))),
  },
  { additionalProperties: false },
);

export interface Bootstrap {
  clients: (Record<string, unknown> & { client_id: string })[];
  resources: ResourceInput[];
  users: (Record<string, unknown> & { email: string; password: string })[];
}

const nothing: Bootstrap = { clients: [], resources: [], users: [] };

const isFile = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<Partial<Bootstrap>>(BootstrapFile);

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
  return { clients, resources, users };
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
