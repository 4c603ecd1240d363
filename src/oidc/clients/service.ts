import type { Config } from '../../platform/config/index.ts';
import { type Envelope, randomSecret } from '../../platform/crypto/index.ts';
import { type Database, inAllTenants, isForeignKeyViolation, setTenants } from '../../platform/db/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { ClientSource, RecordCaches, Transaction, TransactionalSinks } from '../ports.ts';
import { createIntake, ruleOptionsOf } from './intake.ts';
import { createRegistrar, type Registrar } from './registrar.ts';
import { readRegistration, settingsOut } from './registration.ts';
import {
  type ClientFilter,
  type ClientHoldings,
  type ClientRepository,
  type ClientRow,
  createClientRepository,
  type SecretRow,
} from './repository.ts';
import { usesSecret } from './rules.ts';
import type { ClientView } from './schema.ts';
import { keep, newSecret, secretRow } from './secrets.ts';
import { clientTag, createClientSource } from './source.ts';

export interface ClientDeps {
  config: Pick<Config, 'outboundAllow' | 'profile'>;
  database: Database;
  clock: Clock;
  envelope: Envelope;
  caches?: RecordCaches | undefined;
  sinks: Pick<TransactionalSinks, 'audit'>;
}

/** Who changes a client, and which ones it may touch (CL-07). */
export interface Manager {
  actor: Actor;
  /** Absent: every client. Else those of these organizations that are not first-party. */
  organizationIds?: readonly string[] | undefined;
}

const maxLiveSecrets = 2;
const defaultOverlapSeconds = 86_400;
const noOrganization = { errors: [{ path: '/organization_id', message: 'is no organization' }] };

interface Work {
  clients: ClientRepository;
  audit: AuditSink;
  registrar: Registrar;
  now: Date;
}

type Input = Readonly<Record<string, unknown>>;

const secretView = ({ id, created_at, expires_at }: SecretRow) => ({
  id,
  createdAt: created_at.toISOString(),
  expiresAt: expires_at?.toISOString() ?? null,
});

const viewOf = (row: ClientRow, secrets: readonly SecretRow[]): ClientView => ({
  ...row.metadata,
  ...settingsOut(row.settings),
  id: row.client_id,
  client_id: row.client_id,
  first_party: row.is_first_party,
  organization_id: row.organization_id,
  source: row.source,
  verified: row.is_verified,
  disabledAt: row.disabled_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  secrets: secrets.filter(({ client_id }) => client_id === row.client_id).map(secretView),
});

const isVisible = (row: ClientRow, { organizationIds }: Manager): boolean =>
  organizationIds === undefined || (row.organization_id !== null && organizationIds.includes(row.organization_id));

export const createClients = ({ config, database, clock, envelope, caches, sinks }: ClientDeps) => {
  const outside = inAllTenants(database, createClientRepository);
  const options = ruleOptionsOf(config);
  const source: ClientSource = createClientSource({ clients: outside, clock, envelope, caches, profile: options.profile });

  /** The rows of the manager's organizations, or all. */
  const within = <Result>(clientId: string, manager: Manager, work: (parts: Work) => Promise<Result>): Promise<Result> =>
    database
      .transaction(async (trx) => {
        await setTenants(trx, manager.organizationIds ?? 'all');
        const now = clock.now();
        const clients = createClientRepository(trx);
        const audit = sinks.audit(trx);
        const result = await work({ clients, audit, now, registrar: createRegistrar({ clients, audit, envelope, now }) });
        await caches?.invalidate([clientTag(clientId)], trx);
        return result;
      })
      .catch((error: unknown) => {
        throw isForeignKeyViolation(error, 'clients_organization_id_fkey') ? errors.client_invalid(noOrganization) : error;
      });

  const read = (input: Input) => {
    const { registration, problems } = readRegistration(input, options);
    if (problems.length > 0) throw errors.client_invalid({ errors: problems });
    return registration;
  };

  const editable = async (clients: ClientRepository, clientId: string, manager: Manager): Promise<ClientRow> => {
    const row = await clients.lock(clientId);
    if (!row || !isVisible(row, manager)) throw errors.client_not_found();
    if (row.source === 'builtin') throw errors.client_is_builtin();
    // CL-07: a client that is trusted by all is not for those who may manage some.
    if (row.is_first_party && manager.organizationIds) throw errors.client_not_yours();
    return row;
  };

  /** A manager of organizations makes clients of one of them, and none that is trusted. */
  const checkPlace = (manager: Manager, place: { isFirstParty: boolean; organizationId: string | null }): void => {
    const { organizationIds } = manager;
    if (organizationIds === undefined) return;
    const isOwn = place.organizationId !== null && organizationIds.includes(place.organizationId);
    if (place.isFirstParty || !isOwn) throw errors.client_not_yours();
  };

  const shown = async (clients: ClientRepository, clientId: string, secret?: string | undefined) => {
    const row = await clients.find(clientId);
    if (!row) throw errors.client_not_found();
    const view = viewOf(row, await clients.secrets([clientId], clock.now()));
    return { view: secret === undefined ? view : { ...view, client_secret: secret }, version: row.version };
  };

  const audited = (clientId: string, { actor }: Manager) =>
    ({ outcome: 'success', actor, target: { type: 'client', id: clientId }, clientId }) as const;

  const admin = {
    list: async (filter: ClientFilter, limit: number, after: string | undefined): Promise<ClientView[]> => {
      const rows = await outside.list(filter, limit, after);
      const secrets = await outside.secrets(
        rows.map(({ client_id }) => client_id),
        clock.now(),
      );
      return rows.map((row) => viewOf(row, secrets));
    },

    /** @throws client_not_found */
    get: async (clientId: string, manager: Manager): Promise<{ view: ClientView; version: number }> => {
      const row = await outside.find(clientId);
      if (!row || !isVisible(row, manager)) throw errors.client_not_found();
      return { view: viewOf(row, await outside.secrets([clientId], clock.now())), version: row.version };
    },

    /** What disabling or removing it would end. @throws client_not_found */
    holdings: async (clientId: string, manager: Manager): Promise<ClientHoldings> => {
      await admin.get(clientId, manager);
      return outside.holdings(clientId, clock.now());
    },

    /** The secret is in this answer and nowhere else. @throws client_invalid, client_exists */
    create: async (input: Input, manager: Manager): Promise<{ view: ClientView; version: number }> => {
      const registration = read(input);
      checkPlace(manager, registration);
      const clientId = typeof input.client_id === 'string' ? input.client_id : randomSecret(16);
      return within(clientId, manager, async ({ clients, registrar }) => {
        const secret = await registrar.create({ clientId, registration, source: 'admin', actor: manager.actor });
        return shown(clients, clientId, secret);
      });
    },

    /** Replaces metadata and settings. @param match throws when the version is not the caller's */
    update: (clientId: string, input: Input, manager: Manager, match: (version: number) => void) => {
      const registration = read(input);
      return within(clientId, manager, async ({ clients, registrar }) => {
        const row = await editable(clients, clientId, manager);
        match(row.version);
        checkPlace(manager, registration);
        const { source } = row;
        const secret = await registrar.update({ clientId, registration, source, actor: manager.actor }, row);
        return shown(clients, clientId, secret);
      });
    },

    /** Ends what it was given, at once and on every replica (TK-05). */
    remove: (clientId: string, manager: Manager): Promise<void> =>
      within(clientId, manager, async ({ clients, audit }) => {
        const row = await editable(clients, clientId, manager);
        await clients.removeArtifacts(clientId);
        await clients.remove(clientId);
        await audit.record({ type: 'client.deleted', ...audited(clientId, manager), before: { name: row.name } });
      }),

    setDisabled: (clientId: string, isDisabled: boolean, manager: Manager) =>
      within(clientId, manager, async ({ clients, audit, now }) => {
        const row = await editable(clients, clientId, manager);
        if ((row.disabled_at !== null) === isDisabled) return shown(clients, clientId);
        if (isDisabled) await clients.removeArtifacts(clientId);
        const ending = isDisabled ? { disabled_at: now, revoked_before: now } : { disabled_at: null };
        await clients.update(clientId, { ...ending, updated_at: now });
        await audit.record({ type: isDisabled ? 'client.disabled' : 'client.enabled', ...audited(clientId, manager) });
        return shown(clients, clientId);
      }),

    /** A new secret beside the old one, which ends after the overlap. @throws secret_not_used, secrets_exhausted */
    rotateSecret: (clientId: string, expiresInSeconds: number | undefined, manager: Manager) =>
      within(clientId, manager, async ({ clients, audit, now }) => {
        const { metadata } = await editable(clients, clientId, manager);
        if (!usesSecret(metadata)) throw errors.secret_not_used();
        const overlapSeconds = expiresInSeconds ?? defaultOverlapSeconds;
        await clients.endSecrets(clientId, new Date(now.getTime() + overlapSeconds * 1000));
        if ((await clients.secrets([clientId], now)).length >= maxLiveSecrets) throw errors.secrets_exhausted();
        const secret = newSecret();
        const row = secretRow(clientId, keep(envelope, clientId, secret, { metadata, isOurs: true }), now);
        await clients.addSecret(row);
        const details = { overlapSeconds };
        await audit.record({ type: 'client.secret_rotated', ...audited(clientId, manager), details });
        return { ...secretView(row), client_secret: secret };
      }),

    /** @throws secret_not_found, secret_is_last */
    removeSecret: (clientId: string, secretId: string, manager: Manager): Promise<void> =>
      within(clientId, manager, async ({ clients, audit, now }) => {
        await editable(clients, clientId, manager);
        const live = await clients.secrets([clientId], now);
        if (!live.some(({ id }) => id === secretId)) throw errors.secret_not_found();
        if (live.length === 1) throw errors.secret_is_last();
        await clients.removeSecret(clientId, secretId);
        await audit.record({ type: 'client.secret_removed', ...audited(clientId, manager) });
      }),
  };
  /** Ends what the client was given, inside the caller's transaction; the client itself stays as it is. */
  const endTokens = async (trx: Transaction, clientId: string): Promise<void> => {
    const clients = createClientRepository(trx);
    await clients.removeArtifacts(clientId);
    await clients.update(clientId, { revoked_before: clock.now() });
    await caches?.invalidate([clientTag(clientId)], trx);
  };

  return { ...source, endTokens, ...createIntake({ database, clock, envelope, caches, sinks, options }), admin };
};

export type Clients = ReturnType<typeof createClients>;
