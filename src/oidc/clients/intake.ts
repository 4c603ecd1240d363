import type { Config } from '../../platform/config/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import type { FieldError } from '../../platform/errors/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { RecordCaches, Transaction, TransactionalSinks } from '../ports.ts';
import { createRegistrar, type Write } from './registrar.ts';
import { readRegistration, readSelfRegistration } from './registration.ts';
import { type ClientOrigin, createClientRepository } from './repository.ts';
import { type RuleOptions, usesSecret } from './rules.ts';
import { clientTag } from './source.ts';

interface IntakeDeps {
  database: Database;
  clock: Clock;
  envelope: Envelope;
  caches?: RecordCaches | undefined;
  sinks: Pick<TransactionalSinks, 'audit'>;
  options: RuleOptions;
}

/** RFC 7591 metadata with our settings beside it, as the bootstrap file has it. */
export type ClientRegistration = Record<string, unknown> & { client_id: string };

export const ruleOptionsOf = ({ outboundAllow, profile }: Pick<Config, 'outboundAllow' | 'profile'>): RuleOptions => ({
  profile: profile === 'fapi2' ? 'fapi2' : undefined,
  isPlainHost: (host) => outboundAllow.hosts.includes(host),
});

/** What is wrong with a client of the bootstrap file, which nobody could be shown a new secret for. */
export const judgeBootstrapClient = (
  input: ClientRegistration,
  config: Pick<Config, 'outboundAllow' | 'profile'>,
): FieldError[] => {
  const { registration, problems } = readRegistration(input, ruleOptionsOf(config));
  const lacksSecret = usesSecret(registration.metadata) && registration.secret === undefined;
  const missing = { path: '/client_secret', message: 'is required for this authentication, with 32 characters or more' };
  return lacksSecret ? [...problems, missing] : problems;
};

/** Clients that come by other ways than the administrator's API: built in, from the bootstrap file, by their own registration. */
export const createIntake = ({ database, clock, envelope, caches, sinks, options }: IntakeDeps) => {
  const write = async (trx: Transaction, change: Write): Promise<void> => {
    await setTenants(trx, 'all');
    const clients = createClientRepository(trx);
    const registrar = createRegistrar({ clients, audit: sinks.audit(trx), envelope, now: clock.now() });
    const row = await clients.lock(change.clientId);
    if (row?.source === 'builtin' && change.source !== 'builtin') throw errors.client_is_builtin();
    // CL-04: what registered itself changes only itself, and not after an administrator has disabled it.
    if (change.source === 'dynamic' && row && (row.source !== 'dynamic' || row.disabled_at !== null)) {
      throw errors.client_not_yours();
    }
    await (row ? registrar.update(change, row) : registrar.create(change));
    await caches?.invalidate([clientTag(change.clientId)], trx);
  };

  /** @throws client_invalid, client_is_builtin */
  const apply = (trx: Transaction, input: ClientRegistration, source: ClientOrigin): Promise<void> => {
    // Our own pages and API are no clients of the protocol's profiles.
    const { profile, ...own } = options;
    const { registration, problems } = readRegistration(input, source === 'builtin' ? own : { ...own, profile });
    if (problems.length > 0) throw errors.client_invalid({ errors: problems });
    return write(trx, { clientId: input.client_id, registration, source });
  };

  return {
    /** Inserts or replaces inside the caller's transaction. @throws client_invalid, client_is_builtin */
    apply,
    /** Inserts or replaces; the same twice changes nothing. @throws client_invalid, client_is_builtin, client_not_yours */
    put: (input: ClientRegistration, source: ClientOrigin, trust: { isFirstParty?: boolean } = {}): Promise<void> =>
      database.transaction((trx) => {
        if (source !== 'dynamic') return apply(trx, trust.isFirstParty ? { ...input, first_party: true } : input, source);
        return write(trx, { clientId: input.client_id, registration: readSelfRegistration(input, 'castellan'), source });
      }),
    /** RFC 7592 §2.3: a client that registered itself takes itself out. */
    remove: (clientId: string): Promise<void> =>
      database.transaction(async (trx) => {
        const clients = createClientRepository(trx);
        await setTenants(trx, 'all');
        const row = await clients.lock(clientId);
        if (row?.source !== 'dynamic') return;
        await clients.removeArtifacts(clientId);
        await clients.remove(clientId);
        const target = { type: 'client', id: clientId };
        const actor = { type: 'client', id: clientId } as const;
        await sinks.audit(trx).record({ type: 'client.deleted', outcome: 'success', actor, target, clientId });
        await caches?.invalidate([clientTag(clientId)], trx);
      }),
  };
};
