/** What this room offers to `interactions` (pages and JSON sign-in), `sessions`, `compliance` and the consoles. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Level } from '../platform/assurance/index.ts';
import type { RequestInfo } from '../platform/http/index.ts';
import type { ClientBrand, DeviceInfo, Ending, Transaction } from './ports.ts';

/** A client as people may see it. */
export interface ClientView {
  clientId: string;
  name: string;
  logoUri?: string | undefined;
  clientUri?: string | undefined;
  policyUri?: string | undefined;
  tosUri?: string | undefined;
  /** `#rrggbb`, dark enough for white words on it. */
  accentColor?: string | undefined;
  /** The organization it belongs to. */
  brand?: ClientBrand | undefined;
  isFirstParty: boolean;
  isVerified: boolean;
}

/** The browser's request, bound to its interaction by cookie (SE-02). */
export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
}

/** What the client asks the person to agree to; the pages turn it into words. */
export interface ConsentRequest {
  /** OIDC scopes not agreed to before: `profile`, `email`, `offline_access`… */
  scopes: readonly string[];
  /** Claims asked for one by one (`claims` parameter). */
  claims: readonly string[];
  resources: readonly {
    identifier: string;
    name: string;
    scopes: readonly { name: string; description?: string | undefined }[];
  }[];
  /** RFC 9396 authorization details, as asked. */
  authorizationDetails: readonly Record<string, unknown>[];
}

export interface InteractionDetails {
  uid: string;
  /** Which step comes next, and why. */
  prompt: {
    name: 'login' | 'consent' | 'select_account' | 'create' | 'terms';
    reasons: readonly string[];
    details: Record<string, unknown>;
  };
  /** Parameters of the authorization request: `login_hint`, `acr_values`, `max_age`, `ui_locales`… */
  params: Readonly<Record<string, unknown>>;
  client: ClientView;
  /** Another application whose rules hold for this sign-in as well: it waits for the person's approval (CIBA). */
  onBehalfOf?: string | undefined;
  /** Who is signed in in this browser, if anybody. */
  accountId?: string | undefined;
  acr?: string | undefined;
  amr?: readonly string[] | undefined;
  /** Level of sign-in that the application asks for (`acr_values`, `acr` claim); 0 for none. */
  neededLevel: Level;
  /** Who is signed in needs no more than a second factor to go on. */
  isStepUp: boolean;
  /** Who is signed in wants to go on as somebody else. */
  isSwitch: boolean;
  /** Started by a device (RFC 8628) and not by a redirect. */
  isDevice: boolean;
  /** Present at the consent step. */
  consent?: ConsentRequest | undefined;
}

/** A client asks a person, who is somewhere else, to sign in there (OpenID CIBA Core 1.0). */
export interface ApprovalDetails {
  id: string;
  client: ClientView;
  /** Shown on both devices, to be compared. */
  bindingMessage: string | undefined;
  expiresAt: Date;
  consent: ConsentRequest;
}

/** Who is signed in in a browser. */
export interface BrowserSession {
  accountId: string;
  acr: string | undefined;
  amr: readonly string[] | undefined;
  /** Of the provider's session. */
  uid: string;
  /** Its SHA-256, as `sessions.session_uid` has it. */
  sessionUid: string;
  authenticatedAt: Date;
}

/** What an answer on behalf of an application takes beyond a session. */
export interface WantedSignIn {
  onBehalfOf: string;
  acrValues?: readonly string[] | undefined;
}

/** For pages that are not steps of a sign-in. */
export interface BrowserSessions {
  current(exchange: Exchange & { info: RequestInfo }): Promise<BrowserSession | undefined>;
  /**
   * Where to send a person who has to sign in first and then comes back.
   * @param path one of our own that is registered for it
   * @param wanted more than any sign-in
   */
  signInAddress(path: '/approvals' | '/invitation', wanted?: WantedSignIn): string;
}

/** What waits for a person's answer. */
export interface ApprovalPages {
  waiting(accountId: string): Promise<ApprovalDetails[]>;
  /**
   * What the session lacks of what the application and the rules for it ask (A9, A3); nothing where it is enough.
   * @throws approval_not_found
   */
  lacking(session: BrowserSession, id: string): Promise<WantedSignIn | undefined>;
  /** Takes the answer, once. @throws approval_not_found: answered, expired or somebody else's; approval_not_proven */
  answer(session: BrowserSession, id: string, isAllowed: boolean): Promise<void>;
}

/** Outcome of a successful authentication, as `authn` reports it. */
export interface LoginOutcome {
  accountId: string;
  acr?: string | undefined;
  amr?: readonly string[] | undefined;
  authTime?: Date | undefined;
  /** `false`: the session ends with the browser. */
  remember?: boolean | undefined;
}

/**
 * Steps of a hosted sign-in. Each `finish…` returns the address to redirect to (303).
 * @throws interaction_not_found: expired, finished, or begun by another browser
 */
export interface Interactions {
  details(exchange: Exchange): Promise<InteractionDetails>;
  finishLogin(exchange: Exchange, outcome: LoginOutcome): Promise<string>;
  /** The person goes on with the account already signed in. */
  finishSelectAccount(exchange: Exchange): Promise<string>;
  /** The person has accepted the terms. */
  finishTerms(exchange: Exchange): Promise<string>;
  /** The person wants another account: the next step is a login. */
  switchAccount(exchange: Exchange): Promise<string>;
  /** Grants exactly what `details.consent` shows, remembers it, and goes on. */
  allow(exchange: Exchange): Promise<string>;
  /** RFC 6749 §4.1.2.1: `access_denied`. */
  deny(exchange: Exchange): Promise<string>;
}

export interface FirstPartyTokens {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  refreshToken: string;
  accountId: string;
  /** SHA-256 of the provider session's uid, as `sessions.session_uid` has it. */
  sessionUid: string;
}

/** The login session behind a token. */
export interface SessionReference {
  accountId: string;
  sessionUid: string;
}

/** JSON sign-in on the provider's own tokens, for the built-in client (DESIGN.md, decision 2). */
export interface FirstParty {
  /** `undefined` when the account ended or changed its password meanwhile (RC-11). */
  issue(outcome: LoginOutcome, device: DeviceInfo): Promise<FirstPartyTokens | undefined>;
  /** Rotates; `undefined` when refused. Reuse of a spent token ends the family (TK-04). */
  refresh(refreshToken: string, device: DeviceInfo): Promise<FirstPartyTokens | undefined>;
  /** Whose session a refresh token belongs to; `undefined` for unknown, expired and foreign ones. */
  sessionOf(refreshToken: string): Promise<SessionReference | undefined>;
}

/** Ending what was given out; each is one transaction, seen by every replica at once (P3). */
export interface Endings {
  /** @param sessionUids as `sessions.session_uid` has them; tells relying parties by back-channel logout */
  endSessions(sessionUids: readonly string[], ending: Ending): Promise<void>;
  /** Sessions, grants, tokens, codes. */
  endAccount(accountId: string, ending: Ending): Promise<void>;
  /** The same inside the caller's transaction, which has the account's row. @param exceptSessionUid a session that stays */
  endAccountIn(trx: Transaction, accountId: string, ending: Ending & { exceptSessionUid?: string | undefined }): Promise<void>;
  endClient(clientId: string, ending: Ending): Promise<void>;
  /** Withdraws a remembered consent and ends what it led to. @returns false when there was nothing */
  withdrawConsent(accountId: string, clientId: string, ending: Ending): Promise<boolean>;
}

/** An application that a person lets at their data. */
export interface ConnectedApplication {
  client: ClientView;
  /** What was agreed to, in the shape in which it was asked for. */
  consent: ConsentRequest;
  agreedAt: Date;
}

export interface ConnectedApplications {
  /** The newest first. */
  list(accountId: string): Promise<ConnectedApplication[]>;
  /** Ends its grants and tokens of this person as well. @throws grant_not_found */
  revoke(accountId: string, clientId: string): Promise<void>;
}
