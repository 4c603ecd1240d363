import { Type } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { Config } from '../../platform/config/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { FieldError } from '../../platform/errors/index.ts';
import { type ClientRegistration, judgeBootstrapClient } from '../clients/intake.ts';
import { BootstrapClient } from '../clients/schema.ts';
import type { Clients } from '../clients/service.ts';
import { resourceProblems } from '../resources/rules.ts';
import { ResourceBody, type ResourceInput } from '../resources/schema.ts';
import type { Resources } from '../resources/service.ts';

/** The parts of `BOOTSTRAP_FILE` that are this room's (CONTRACT.md). */
export interface BootstrapRegistrations {
  clients: ClientRegistration[];
  resources: ResourceInput[];
}

const ajv = new Ajv({ allErrors: true, strict: true, ownProperties: true });
(addFormats as unknown as (ajv: Ajv) => void)(ajv);

const wordsFor = (error: ErrorObject): FieldError => {
  const { additionalProperty, missingProperty } = error.params as { additionalProperty?: string; missingProperty?: string };
  if (additionalProperty !== undefined) return { path: `${error.instancePath}/${additionalProperty}`, message: 'is not known' };
  if (missingProperty !== undefined) return { path: `${error.instancePath}/${missingProperty}`, message: 'is required' };
  return { path: error.instancePath || '/', message: error.message ?? 'is not valid' };
};

const below = (path: string, problems: readonly FieldError[]): FieldError[] =>
  problems.map((problem) => ({ ...problem, path: `${path}${problem.path}` }));

const repeated = (path: string, names: readonly string[]): FieldError[] =>
  names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ path: `${path}/${index}`, message: `${name} is there twice` }],
  );

const shape = Type.Object(
  {
    clients: Type.Array(BootstrapClient, { maxItems: 5000 }),
    resources: Type.Array(ResourceBody, { maxItems: 5000 }),
  },
  { additionalProperties: false },
);

/** Everything that is wrong, before anything is written: shapes first, then what the parts mean. */
export const judgeBootstrap = (
  content: { clients: unknown; resources: unknown },
  config: Pick<Config, 'issuer' | 'outboundAllow' | 'profile'>,
): FieldError[] => {
  // Compiled when first asked, and once: that takes longer than all the rest.
  const isShaped = ajv.compile(shape);
  // One mistake in a list of alternatives is reported once, not once for each alternative.
  if (!isShaped(content)) return (isShaped.errors ?? []).filter(({ keyword }) => keyword !== 'const').map(wordsFor);
  const { clients, resources } = content as unknown as BootstrapRegistrations;
  const isOwn = (identifier: string): boolean => identifier === config.issuer;
  return [
    ...clients.flatMap((client, index) => below(`/clients/${index}`, judgeBootstrapClient(client, config))),
    ...resources.flatMap((resource, index) => below(`/resources/${index}`, resourceProblems(resource))),
    ...repeated(
      '/clients',
      clients.map((client) => client.client_id),
    ),
    ...repeated(
      '/resources',
      resources.map(({ identifier }) => identifier),
    ),
    ...resources.flatMap(({ identifier }, index) =>
      isOwn(identifier) ? [{ path: `/resources/${index}/identifier`, message: 'is the API of Castellan itself' }] : [],
    ),
  ];
};

/** Inserts or replaces all of it in one transaction: at each start, and what has not changed leaves no trace. */
export const createBootstrap =
  ({ database, clients, resources }: { database: Database; clients: Clients; resources: Resources }) =>
  (content: BootstrapRegistrations): Promise<void> =>
    database.transaction(async (trx) => {
      for (const resource of content.resources) await resources.apply(trx, resource, 'bootstrap');
      for (const client of content.clients) await clients.apply(trx, client, 'bootstrap');
    });
