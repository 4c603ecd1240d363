/**
 * Needs that run against the arrows between rooms (STYLE.md, "Imports"). Each is supplied in `app.ts`.
 */

import type { IncomingMessage } from 'node:http';
import type { AuditCatalogue, AuditEventType } from './events/catalogue.ts';

/** Time is passed in; tests move it. */
export interface Clock {
  now(): Date;
}

/** Runs `work` in one database transaction with repositories bound to it. */
export type InTransaction<Repositories> = <Result>(work: (repositories: Repositories) => Promise<Result>) => Promise<Result>;

/** Who is behind a request to our API, or behind an audit event. */
export interface Actor {
  type: 'user' | 'client' | 'system' | 'anonymous';
  id?: string | undefined;
}

/** Who, about what, in which context; every event may say it. */
interface AuditFacts {
  outcome: 'success' | 'failure' | 'denied';
  actor?: Actor | undefined;
  /** The person the event is about, where there is one. */
  subjectId?: string | undefined;
  target?: { type: string; id: string } | undefined;
  clientId?: string | undefined;
  organizationId?: string | undefined;
  /** SHA-256 of the provider session's uid, as `sessions.session_uid` has it. */
  sessionUid?: string | undefined;
  reason?: string | undefined;
  before?: Record<string, unknown> | undefined;
  after?: Record<string, unknown> | undefined;
}

type DetailsOf<Type extends AuditEventType> =
  AuditCatalogue[Type] extends Record<string, never> ? { details?: AuditCatalogue[Type] } : { details: AuditCatalogue[Type] };

/** An append-only record of what happened (FEATURES C5). No field may hold a secret or a bearer token. */
export type AuditEvent = { [Type in AuditEventType]: AuditFacts & { type: Type } & DetailsOf<Type> }[AuditEventType];

/** Appends events inside the caller's transaction: no event without the change, no change without the event. */
export interface AuditSink {
  record(event: AuditEvent): Promise<void>;
}

/** An event with its time, its id and the request it belongs to. */
export type PreparedEvent = Readonly<Record<string, unknown>>;

/** Lets a hot repository write its rows and their events in one statement: `with changed as (…) insert into audit_events …`. */
export interface AuditStatement {
  /** Called within the request that the event belongs to. */
  prepare(event: AuditEvent): PreparedEvent;
  /**
   * The insert of any number of events.
   * @param firstParameter number of its first `$n`
   * @param condition for each event, on a list of texts `needs` that follows the values
   */
  sql(firstParameter: number, condition?: string): string;
  values(events: readonly PreparedEvent[]): readonly unknown[];
}

/** Events of what changes nothing (FEATURES C5): bounded buffer, flushed within a second, never a statement of the request. */
export interface AuditBuffer {
  note(event: AuditEvent): void;
}

/** The caller of an admin-lane route, as the guard found it. */
export interface Principal {
  type: 'user' | 'client';
  id: string;
  clientId: string;
  scopes: ReadonlySet<string>;
  /** Audit and rate-limit class. */
  roles: readonly string[];
  /** Key of the login session behind the token, where there is one. */
  sessionId?: string | undefined;
  acr?: string | undefined;
  amr?: readonly string[] | undefined;
  /** Time of authentication in seconds since the epoch. */
  authTime?: number | undefined;
}

/** What a decision may depend on beside the subject: attributes of the object asked for. */
export interface ResourceReference {
  type: string;
  id?: string | undefined;
  attributes?: Record<string, unknown> | undefined;
}

/** How far a permission reaches: on which objects the caller may act. */
export type PermissionScope = 'own' | 'group' | 'organization' | 'any';

/** Guards our own API. Supplied by `authz`. */
export interface Guard {
  /**
   * The widest scope on which the principal holds `resource:action`, or `undefined` when refused.
   * @param permission `resource:action`, without scope
   * @param personId whom the request is about: a direct deny that does not reach that person refuses nothing there; without it any
   * direct deny refuses, however narrow
   */
  reach(principal: Principal, permission: string, personId?: string): Promise<PermissionScope | undefined>;
  /** The organizations to which the permission reaches where it reaches no further; from membership and assignment (TN-02). */
  organizations(principal: Principal, permission: string, personId?: string): Promise<readonly string[]>;
}

/** An access token as a request brings it, with what may show that the caller has the key it is bound to. */
export interface PresentedToken {
  value: string;
  /** RFC 6750 §2.1, RFC 9449 §7.1 */
  scheme: 'Bearer' | 'DPoP';
  /** Absent where nothing but the token is at hand, which is not enough for one that is bound. */
  carrier?: { method: string /** Without query. */; address: string; request: IncomingMessage } | undefined;
}

/** Finds out who calls. Supplied by `oidc`, which issued the token. */
export interface Authenticator {
  /** RFC 9449 §7.1, §9: what challenges tell. */
  dpop: { algorithms: readonly string[]; nextNonce(): string };
  /**
   * The principal behind an access token for our own API.
   * @param requiredScopes one of them is enough
   * @throws unauthenticated (RFC 6750 §3.1: `invalid_token`), insufficient_scope, invalid_dpop_proof, use_dpop_nonce
   */
  authenticate(presented: PresentedToken, ...requiredScopes: [string, ...string[]]): Promise<Principal>;
}

/** A mail in words; it leaves through the database outbox (FEATURES O10). */
/** Whose pages and mails these are, as they show it (TN-06): looked at before it is put here. */
export interface House {
  organizationId?: string | undefined;
  /** Absent where only the colour differs from the deployment's. */
  name?: string | undefined;
  logoUri?: string | undefined;
  /** `#rrggbb`, dark enough for white words on it. */
  accent?: string | undefined;
}

export interface MailMessage {
  to: string;
  /** Name of a template under `views/mail/`. */
  template: string;
  /** BCP 47 tag of the reader's language. */
  locale?: string | undefined;
  values: Record<string, unknown>;
  /** When its code or link ends: a mail that could not leave before is not sent at all. ISO 8601. */
  notAfter?: string | undefined;
  /** Of which organization it is, where that is known better than by its reader or by the pages that led to it. */
  organizationId?: string | undefined;
  /** As the page looked whose form owed it. */
  house?: House | undefined;
}

/** Owes mails inside the caller's transaction. Supplied by `platform/mail`. */
export interface Mailer {
  /** @param message its `to` is the stored address, never what was typed (RS-02) */
  send(message: MailMessage): Promise<void>;
  /** The same work without a mail: where nobody is to be written to and nobody may learn of it (PW-05). */
  sendNothing(message: Omit<MailMessage, 'to'>): Promise<void>;
}

/** Work that leaves the process after commit, at least once (DESIGN.md, decision 8). */
export interface OutboxEntry {
  /** Name of the subscriber: `mail`, `backchannel-logout`, … */
  topic: string;
  payload: Record<string, unknown>;
  /** Entries with one key are delivered in order. */
  key?: string | undefined;
}

/** Writes to the outbox inside the caller's transaction. */
export interface Outbox {
  add(entry: OutboxEntry): Promise<void>;
}
