import type { FactorMethod } from '../factors/proof.ts';
import type { WorkTask } from '../limits/proof-of-work.ts';

export interface Authenticated {
  kind: 'authenticated';
  accountId: string;
  acr: string;
  /** RFC 8176. */
  amr: readonly string[];
  authTime: Date;
}

/**
 * What finding out who somebody is can end in; hosted pages, JSON API, device flow and CIBA act on the same one (DESIGN.md,
 * decision 4). Unknown, wrong, disabled and locked for good are one `refused` (PW-05).
 */
export type SignInOutcome =
  | Authenticated
  /** The first factor is proven; nothing exists yet (MF-04). `flow` is a bearer value of one sign-in (MF-03). */
  | { kind: 'needs_factor'; flow: string; methods: readonly FactorMethod[] }
  /** A policy, or the application, asks for a second factor and the account has none. */
  | { kind: 'needs_enrolment'; flow: string }
  /** Who it is, is proven; the address has to be confirmed before anything is given out. */
  | { kind: 'needs_verification'; accountId: string }
  /** @property task work for the next try, where it will be asked for */
  | { kind: 'refused'; task?: WorkTask | undefined }
  /** Too many failures; nothing was checked. */
  | { kind: 'locked'; until: Date }
  /** Guesses from many places, or at many accounts: proof of work first; nothing was checked. */
  | { kind: 'needs_work'; task: WorkTask }
  /** The hashing queue is full (PW-09); nothing was checked. */
  | { kind: 'busy'; retryAfterSeconds: number };

/**
 * What answering an open sign-in can end in. `expired`: there is no such sign-in any more. `needs_enrolment`: the factor is right, but
 * the application asks for a stronger one.
 */
export type AnswerOutcome =
  | Authenticated
  | { kind: 'refused' }
  | { kind: 'locked'; until: Date }
  | { kind: 'expired' }
  | { kind: 'needs_enrolment' };
