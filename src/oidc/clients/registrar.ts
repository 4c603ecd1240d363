import type { Envelope } from '../../platform/crypto/index.ts';
import type { Actor, AuditSink } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { RegistrationPolicy } from '../protocol/registration-policy.ts';
import type { Registration } from './registration.ts';
import type { ClientOrigin, ClientRepository, ClientRow } from './repository.ts';
import { computesWithSecret, usesSecret } from './rules.ts';
import { keep, matches, newSecret, secretRow, standInFor } from './secrets.ts';

interface RegistrarDeps {
  clients: ClientRepository;
  audit: AuditSink;
  envelope: Envelope;
  now: Date;
}

export interface Write {
  clientId: string;
  registration: Registration;
  source: ClientOrigin;
  actor?: Actor | undefined;
}

const nameOf = (clientId: string, { metadata }: Registration): string => String(metadata.client_name ?? clientId);

/** Written in one order, so that equal registrations compare equal however the database orders members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

interface Content {
  metadata: Record<string, unknown>;
  settings: Record<string, unknown>;
  is_first_party: boolean;
  organization_id: string | null;
}

const contentOf = (registration: Registration): Content => ({
  metadata: registration.metadata,
  settings: { ...registration.settings },
  is_first_party: registration.isFirstParty,
  organization_id: registration.organizationId,
});

const flat = ({ metadata, settings, is_first_party, organization_id }: Content): Record<string, unknown> => ({
  ...metadata,
  ...settings,
  isFirstParty: is_first_party,
  organizationId: organization_id,
});

/** Names of what differs, with the values before and after (C5); a registration holds no secret. */
const difference = (row: Content, next: Content) => {
  const [before, after] = [flat(row), flat(next)];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => canonical(before[name]) !== canonical(after[name]),
  );
  const pick = (all: Record<string, unknown>) => Object.fromEntries(fields.map((name) => [name, all[name] ?? null]));
  return { fields, before: pick(before), after: pick(after) };
};

/** What a client was let in under stays, whoever changes the rest (CL-04). */
const withKeptPolicy = (registration: Registration, { settings: { registrationPolicy } }: ClientRow): Registration =>
  registrationPolicy === undefined
    ? registration
    : { ...registration, settings: { registrationPolicy: registrationPolicy as RegistrationPolicy, ...registration.settings } };

/** Writes clients inside one transaction: row, secret and event. */
export const createRegistrar = ({ clients, audit, envelope, now }: RegistrarDeps) => {
  const addSecret = async (clientId: string, metadata: Registration['metadata'], secret: string, isOurs: boolean) =>
    clients.addSecret(secretRow(clientId, keep(envelope, clientId, secret, { metadata, isOurs }), now));

  const hasSecret = async (clientId: string, metadata: Registration['metadata'], secret: string): Promise<boolean> => {
    const live = await clients.secrets([clientId], now);
    return live.some((row) => matches(envelope, clientId, row, secret) && (row.sealed !== null || !computesWithSecret(metadata)));
  };

  /** A secret that came with the registration takes the place of others, unless it is known. */
  const takeSecret = async ({ clientId, registration, source }: Write, secret: string): Promise<void> => {
    const { metadata } = registration;
    if (secret === standInFor(envelope, clientId) || (await hasSecret(clientId, metadata, secret))) return;
    await clients.removeSecrets(clientId);
    await addSecret(clientId, metadata, secret, source === 'dynamic');
  };

  /** Makes a secret where no live one will do: a digest cannot be computed with. */
  const makeSecret = async (clientId: string, metadata: Registration['metadata']): Promise<string | undefined> => {
    const live = await clients.secrets([clientId], now);
    if (live.some(({ sealed }) => sealed !== null || !computesWithSecret(metadata))) return undefined;
    await clients.removeSecrets(clientId);
    const made = newSecret();
    await addSecret(clientId, metadata, made, true);
    return made;
  };

  /** @returns a secret that was made and is now to be shown, once */
  const settleSecret = async (write: Write): Promise<string | undefined> => {
    const { clientId, registration } = write;
    const { metadata, secret } = registration;
    if (!usesSecret(metadata)) {
      await clients.removeSecrets(clientId);
      return undefined;
    }
    if (secret === undefined) return makeSecret(clientId, metadata);
    await takeSecret(write, secret);
    return undefined;
  };

  const note = (write: Write, event: Pick<Parameters<AuditSink['record']>[0], 'type' | 'details' | 'before' | 'after'>) =>
    audit.record({
      ...event,
      outcome: 'success',
      actor: write.actor ?? { type: 'system' },
      target: { type: 'client', id: write.clientId },
      clientId: write.clientId,
      organizationId: write.registration.organizationId ?? undefined,
    } as Parameters<AuditSink['record']>[0]);

  const create = async (write: Write): Promise<string | undefined> => {
    const { clientId, registration, source } = write;
    const content = contentOf(registration);
    const isInserted = await clients.insert({
      ...content,
      client_id: clientId,
      name: nameOf(clientId, registration),
      source,
      is_verified: source !== 'dynamic',
      disabled_at: null,
      revoked_before: null,
      version: 1,
      created_at: now,
      updated_at: now,
    });
    if (!isInserted) throw errors.client_exists();
    await note(write, { type: 'client.created', details: { source }, after: flat(content) });
    return settleSecret(write);
  };

  const update = async (write: Write, row: ClientRow): Promise<string | undefined> => {
    const { clientId, source } = write;
    const registration = withKeptPolicy(write.registration, row);
    const { fields, before, after } = difference(row, contentOf(registration));
    if (fields.length > 0 || row.source !== source) {
      const change = { ...contentOf(registration), name: nameOf(clientId, registration), source, updated_at: now };
      await clients.update(clientId, change);
      await note(write, { type: 'client.updated', details: { fields }, before, after });
    }
    return settleSecret(write);
  };

  return { create, update };
};

export type Registrar = ReturnType<typeof createRegistrar>;
