import { type Envelope, uuidv7 } from '../../../platform/crypto/index.ts';
import type { SealedColumn, TenantScope } from '../../../platform/db/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import type { Actor, AuditSink, Clock } from '../../../platform/ports.ts';
import { errors } from '../../errors.ts';
import { usual } from './provider.ts';
import type { ProviderRepository, ProviderRow } from './repository.ts';
import { auditable, changedFields, requireSound, rowOf } from './rules.ts';
import type { ProviderInput, ProviderView } from './schema.ts';

/** Who asks, and whose providers may be touched. */
export interface ProviderCaller {
  actor: Actor;
  scope: TenantScope;
}

export interface ProviderUnit {
  providers: ProviderRepository;
  audit: AuditSink;
  /** Every process reads them again once this has committed. */
  announce(): Promise<void>;
}

export interface ProviderAdminDeps {
  inTenants<Result>(scope: TenantScope, work: (unit: ProviderUnit) => Promise<Result>): Promise<Result>;
  envelope: Pick<Envelope, 'seal'>;
  clock: Clock;
  issuer: string;
  /** Names that the environment has taken. */
  reserved: ReadonlySet<string>;
}

export const callbackPath = (name: string): string => `/api/v1/auth/social/${name}/callback`;
/** A sealed secret opens in its own row only. */
export const secretContext = (id: string): string => `upstream-provider:${id}`;

export const sealedProviders: SealedColumn = {
  table: 'upstream_providers',
  key: 'id',
  column: 'client_secret_sealed',
  context: secretContext,
};

export const providerView = (row: ProviderRow, issuer: string): ProviderView => ({
  id: row.id,
  name: row.name,
  displayName: row.display_name,
  kind: row.kind,
  issuer: row.kind === 'oidc' ? (row.issuer ?? '') : usual[row.kind].issuer,
  clientId: row.client_id,
  hasClientSecret: row.client_secret_sealed !== null,
  clientAuthentication: row.client_authentication,
  scopes: row.scopes,
  trustedDomains: row.trusted_domains,
  trustsFactors: row.trusts_factors,
  allowsSignUp: row.allows_sign_up,
  isEnabled: row.is_enabled,
  organizationId: row.organization_id,
  callbackUrl: `${issuer}${callbackPath(row.name)}`,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

/** The organization of a new provider: named, or the only one the caller acts in (TN-02). */
const ownerFor = (scope: TenantScope, wanted: string | undefined): string | null => {
  if (scope === 'all') return wanted ?? null;
  if (wanted !== undefined && scope.includes(wanted)) return wanted;
  const [only, ...others] = scope;
  if (wanted === undefined && only !== undefined && others.length === 0) return only;
  throw shared.invalid_request({ errors: [{ path: '/organizationId', message: 'is not an organization of yours' }] });
};

/**
 * An organization's provider speaks for nobody but whom it names: what it says of addresses and factors counts beyond the
 * organization, so only who administers the deployment lends it that weight (SO-01, TN-04).
 */
const requireWeight = (scope: TenantScope, input: ProviderInput, before?: ProviderRow): void => {
  if (scope === 'all') return;
  const { trustedDomains = [], trustsFactors = false } = input;
  const had = { domains: before?.trusted_domains ?? [], factors: before?.trusts_factors ?? false };
  const mistakes = [
    ...(trustedDomains.some((domain) => !had.domains.includes(domain)) ? ['/trustedDomains'] : []),
    ...(trustsFactors && !had.factors ? ['/trustsFactors'] : []),
  ];
  if (mistakes.length === 0) return;
  const message = 'is for administrators of the deployment to extend';
  throw shared.invalid_request({ errors: mistakes.map((path) => ({ path, message })) });
};

/** @throws invalid_request for what an update cannot change */
const requireSame = (input: ProviderInput, before: ProviderRow): void => {
  const { kind, name = before.name, organizationId = before.organization_id } = input;
  const fixed = [
    ...(kind === before.kind ? [] : ['/kind']),
    ...(name === before.name ? [] : ['/name']),
    ...(organizationId === before.organization_id ? [] : ['/organizationId']),
  ];
  if (fixed.length > 0) throw shared.invalid_request({ errors: fixed.map((path) => ({ path, message: 'cannot be changed' })) });
};

/** A secret stays with the provider that gave it: at another address it would be told to somebody else. @throws invalid_request */
const requireSecretFor = (input: ProviderInput, before: ProviderRow): void => {
  if (before.client_secret_sealed === null || input.clientSecret !== undefined) return;
  const moved = (input.issuer ?? null) !== before.issuer;
  if (moved) throw shared.invalid_request({ errors: [{ path: '/clientSecret', message: 'is required with another issuer' }] });
};

/** What administrators do with upstream providers (FEATURES A5). */
export const createProviderAdmin = ({ inTenants, envelope, clock, issuer, reserved }: ProviderAdminDeps) => {
  const sealed = (id: string, secret: string): string => envelope.seal(secret, secretContext(id));

  const found = async ({ providers }: ProviderUnit, id: string, scope: TenantScope): Promise<ProviderRow> => {
    const row = await providers.find(id);
    // The deployment's own are nothing that an organization's administrator reads: their settings are of no use to it.
    if (!row || (scope !== 'all' && row.organization_id === null)) throw errors.identity_provider_not_found();
    return row;
  };

  const nameFor = (id: string, organizationId: string | null, input: ProviderInput): string => {
    if (organizationId !== null && input.name === undefined) return id;
    const name = organizationId === null ? (input.name ?? input.kind) : undefined;
    if (name === undefined) {
      const message = 'is for providers of the deployment; those of an organization go by their id';
      throw shared.invalid_request({ errors: [{ path: '/name', message }] });
    }
    if (reserved.has(name)) throw errors.identity_provider_exists();
    return name;
  };

  return {
    list: (caller: ProviderCaller, limit: number, after: string | undefined): Promise<ProviderRow[]> =>
      inTenants(caller.scope, ({ providers }) => providers.list(limit, after, caller.scope !== 'all')),
    /** @throws identity_provider_not_found */
    get: (caller: ProviderCaller, id: string): Promise<ProviderRow> =>
      inTenants(caller.scope, (unit) => found(unit, id, caller.scope)),
    /** @throws identity_provider_exists, invalid_request */
    create: (caller: ProviderCaller, input: ProviderInput): Promise<ProviderRow> =>
      inTenants(caller.scope, async ({ providers, audit, announce }) => {
        const organizationId = ownerFor(caller.scope, input.organizationId);
        if (organizationId !== null && !(await providers.organizationExists(organizationId))) {
          throw shared.invalid_request({ errors: [{ path: '/organizationId', message: 'is no organization' }] });
        }
        requireSound(input, input.clientSecret !== undefined);
        requireWeight(caller.scope, input);
        const now = clock.now();
        const id = uuidv7(now);
        const secret = input.clientSecret === undefined ? null : sealed(id, input.clientSecret);
        const identity = { id, organization_id: organizationId, name: nameFor(id, organizationId, input), created_at: now };
        const row = { ...rowOf(input, secret, now), ...identity };
        if (!(await providers.insert(row))) throw errors.identity_provider_exists();
        await audit.record({
          type: 'identity_provider.created',
          outcome: 'success',
          actor: caller.actor,
          organizationId: organizationId ?? undefined,
          target: { type: 'identity_provider', id },
          after: auditable(row),
          details: { kind: row.kind },
        });
        await announce();
        return { ...row, version: 1 };
      }),
    /**
     * Replaces the settings; a secret that is not given stays, as do name, kind and organization.
     * @param match throws when the version is not the caller's
     * @throws identity_provider_not_found, invalid_request, precondition_failed
     */
    update: (caller: ProviderCaller, id: string, input: ProviderInput, match: (version: number) => void): Promise<ProviderRow> =>
      inTenants(caller.scope, async (unit) => {
        const before = await found(unit, id, caller.scope);
        match(before.version);
        requireSame(input, before);
        requireSecretFor(input, before);
        const secret = input.clientSecret === undefined ? before.client_secret_sealed : sealed(id, input.clientSecret);
        requireSound(input, secret !== null);
        requireWeight(caller.scope, input, before);
        const change = rowOf(input, secret, clock.now());
        if (!(await unit.providers.update(id, before.version, change))) throw shared.precondition_failed();
        const after = { ...before, ...change, version: before.version + 1 };
        await unit.audit.record({
          type: 'identity_provider.updated',
          outcome: 'success',
          actor: caller.actor,
          organizationId: before.organization_id ?? undefined,
          target: { type: 'identity_provider', id },
          before: auditable(before),
          after: auditable(after),
          details: { fields: changedFields(before, after) },
        });
        await unit.announce();
        return after;
      }),
    /** People stay linked, and come in again where the same issuer is set up again. @throws identity_provider_not_found */
    remove: (caller: ProviderCaller, id: string): Promise<void> =>
      inTenants(caller.scope, async (unit) => {
        const row = await found(unit, id, caller.scope);
        if (!(await unit.providers.remove(id))) throw errors.identity_provider_not_found();
        await unit.audit.record({
          type: 'identity_provider.deleted',
          outcome: 'success',
          actor: caller.actor,
          organizationId: row.organization_id ?? undefined,
          target: { type: 'identity_provider', id },
          before: auditable(row),
          details: { kind: row.kind },
        });
        await unit.announce();
      }),
    view: (row: ProviderRow): ProviderView => providerView(row, issuer),
  };
};

export type ProviderAdmin = ReturnType<typeof createProviderAdmin>;
