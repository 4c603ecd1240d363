/**
 * What the provider core needs from the rooms around it, structurally typed: clients, resources and keys are this room's own
 * data (`clients/`, `resources/`, `keys/`), the rest is handed in by `app.ts`.
 */
import type { Database } from '../platform/db/index.ts';
import type { Actor, AuditSink, AuditStatement, Outbox } from '../platform/ports.ts';
import type { RegistrationPolicy } from './protocol/registration-policy.ts';

/** A transaction of `Database.transaction`. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** What only an administrator may set on a client (CONTRACT.md, "PKCE", "Defaults"). */
export interface ClientSettings {
  /** `false` only for a confidential client without `profile`, which then sends a nonce. */
  requirePkce?: boolean | undefined;
  profile?: 'fapi2' | 'fapi2-message-signing' | 'fapi1' | undefined;
  accessTokenTtlSeconds?: number | undefined;
  refreshTokenTtlSeconds?: number | undefined;
  idTokenTtlSeconds?: number | undefined;
  /** Takes part in OpenID Connect Session Management 1.0. */
  sessionManagement?: boolean | undefined;
  /** RFC 8693 §1.1: tokens exchanged by this client may be the person's without naming the client as actor. */
  mayImpersonate?: boolean | undefined;
  /** Of the initial access token that the client registered itself with; limits its updates as well (CL-04). */
  registrationPolicy?: RegistrationPolicy | undefined;
  /** `#rrggbb`, of the pages that lead to this client (LOOK: an application's colour instead of ours). */
  accentColor?: string | undefined;
  /** First-party clients only (CO-08). */
  skipConsent?: boolean | undefined;
  /** `always`: a refresh token also without `offline_access`, bound to the browser session then. */
  refreshTokens?: 'offline_access' | 'always' | undefined;
  /** Claim name in tokens of this client → name of the claim it is taken from. */
  claims?: Record<string, string> | undefined;
}

/** What this room needs of `platform/cache`: a read-through cache of records that carry their tags. */
export interface RecordCaches {
  cache<Value>(options: { name: string; l1Seconds: number; l2Seconds: number; maxEntries: number }): {
    get(key: string, load: () => Promise<{ value: Value; tags: string[] } | undefined>): Promise<Value | undefined>;
  };
  /** With a transaction: once it has committed, in every process. */
  invalidate(tags: string[], trx?: Transaction): Promise<void> | void;
  onInvalidate(handler: (tags: readonly string[]) => void): unknown;
}

/** How the organization that a client belongs to shows itself on the pages that lead to the client (FEATURES A12). */
export interface ClientBrand {
  /** Of the organization. */
  id: string;
  name: string;
  logoUri?: string | undefined;
  /** `#rrggbb`, dark enough for white words on it. */
  accentColor?: string | undefined;
}

export interface ClientRecord {
  clientId: string;
  /**
   * RFC 7591 metadata as the library wants it. `client_secret` is there whenever the authentication method needs one: the value
   * where the method computes with it, else a stand-in, since `verifySecret` compares.
   */
  metadata: Record<string, unknown>;
  settings: ClientSettings;
  isFirstParty: boolean;
  isVerified: boolean;
  brand?: ClientBrand | undefined;
  /** TK-10: what this client got before is dead. */
  revokedBefore?: Date | undefined;
}

export interface ClientSource {
  /** Cached with invalidation; `undefined` when unknown or disabled. */
  find(clientId: string): Promise<ClientRecord | undefined>;
  /** Compares with every live secret in constant time. */
  verifySecret(clientId: string, secret: string): Promise<boolean>;
}

/** One claim of access tokens for a resource. */
export interface ResourceClaim {
  source: 'roles' | 'permissions' | 'groups' | 'organizations';
  /** Its name; that of the source where absent, `org` for organizations. */
  claim?: string;
  /** A list of texts where absent; `text`: with spaces between; `objects`: organizations with their names. */
  format?: 'list' | 'text' | 'objects';
  /** Of permissions those for these resources, and for all. */
  only?: string[];
}

export interface ResourceRecord {
  identifier: string;
  name: string;
  scopes: readonly { name: string; description?: string | undefined }[];
  accessTokenFormat: 'jwt' | 'opaque';
  accessTokenTtlSeconds?: number | undefined;
  /** Of JWT access tokens; ES256 where absent. */
  signingAlg?: string | undefined;
  introspectionClients: readonly string[];
  accessTokenClaims: readonly ResourceClaim[];
}

export interface ResourceSource {
  find(identifier: string): Promise<ResourceRecord | undefined>;
  /** Resources that have the scope: one of them answers a request that leaves `resource` out (CONTRACT.md). */
  withScope(scope: string): Promise<readonly ResourceRecord[]>;
}

export interface JsonWebKeySet {
  keys: Record<string, unknown>[];
}

export interface KeySource {
  /** Private keys for the provider; the first of each algorithm signs. */
  current(): Promise<JsonWebKeySet>;
  /** What `/jwks` shows: next, active and retired. */
  publicJwks(): Promise<JsonWebKeySet>;
  /** Called in every process after a rotation. */
  onChange(handler: () => void): void;
}

/** An account as `identity` shows it; `claims` are OIDC standard claims. */
export interface AccountView {
  id: string;
  status: string;
  claims: Record<string, unknown>;
}

export interface AccountSource {
  find(id: string): Promise<AccountView | undefined>;
}

/** Who needs a second factor where, and who has to accept terms; supplied by `authn`. */
export interface FactorDemand {
  isRequired(accountId: string, clientIds: readonly (string | undefined)[]): Promise<boolean>;
  /** Terms that the person has not accepted yet (A3). */
  areTermsDue(accountId: string): Promise<boolean>;
}

export interface Entitlements {
  roles: string[];
  permissions: string[];
  groups: string[];
  organizations: { id: string; name: string }[];
}

export interface EntitlementSource {
  entitlementsOf(userId: string): Promise<Entitlements>;
}

/** What policies say of a token exchange (RFC 8693 §1.1). */
export interface ExchangePolicy {
  /** `undefined`: no policy speaks of it, and the client's registration decides. */
  ruling(exchange: ExchangeQuestion): Promise<'allow' | 'deny' | undefined>;
}

export interface ExchangeQuestion {
  action: 'delegate' | 'impersonate';
  /** Who asks for the token. */
  clientId: string;
  /** What conditions may look at as `resource.*`. */
  attributes: { audience: string; scopes: string[]; subjectId: string; subjectClientId: string };
  /** As `env.*`: the sign-in behind the subject's token. */
  context: { acr?: string | undefined };
}

/** Where a sign-in happened, for the device row. */
export interface DeviceInfo {
  userAgent?: string | undefined;
  ip?: string | undefined;
  /** A request header by its lower-case name. */
  header?(name: string): string | undefined;
}

/** A login session beside the provider's own; written by `sessions` in the same transaction. */
export interface SessionStart {
  /** SHA-256 of the provider session's uid; the key of the device row. */
  sessionUid: string;
  accountId: string;
  acr?: string | undefined;
  amr: readonly string[];
  authenticatedAt: Date;
  expiresAt: Date;
  device: DeviceInfo;
}

/** Why something ends, and by whom. */
export interface Ending {
  /** `logout`, `revoked`, `password_changed`, `deactivated`, `reuse`… */
  cause: string;
  actor: Actor;
}

/** A request as far as it tells of its browser. */
export interface Surroundings {
  ip: string;
  userAgent: string | undefined;
  header(name: string): string | undefined;
  /** What the browser holds since a sign-in. */
  device?: string | undefined;
}

/** What a session is bound to; kept with it. */
export type BrowserBond = object;

/** Whether a session is used where it began (SE-10). Supplied by `sessions`. */
export interface SessionBinding {
  describe(request: Surroundings): BrowserBond;
  judge(
    bond: BrowserBond | undefined,
    request: Surroundings,
    bearer: { accountId: string; sessionUid: string; clientId?: string | undefined },
  ): { kind: 'accept'; bound?: BrowserBond | undefined } | { kind: 'reauthenticate' } | { kind: 'end' };
}

export interface SessionRecorder {
  /**
   * New session, or the same one after a step-up (same `sessionUid`). Nothing may be given out where the account ended or changed
   * its password after it was authenticated (`outdated`), or has too many sessions (`full`); `surplus` ends for the new one.
   */
  started(
    trx: Transaction,
    start: SessionStart,
  ): Promise<{ kind: 'started'; surplus: readonly string[] } | { kind: 'outdated' } | { kind: 'full' }>;
  ended(trx: Transaction, sessionUids: readonly string[], ending: Ending): Promise<void>;
}

/** Audit and outbox bound to a transaction. */
export interface TransactionalSinks {
  audit(trx: Transaction): AuditSink;
  /** Events that ride in a statement of this room. */
  auditStatement: AuditStatement;
  outbox(trx: Transaction): Outbox;
}

export type SessionRoom = SessionRecorder & { binding: SessionBinding };
