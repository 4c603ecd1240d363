import type { Places } from '../../platform/geo/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import {
  clearlyDifferent,
  type Fingerprint,
  fingerprintOf,
  type Signal,
  type Surroundings,
  scoreOf,
  signalsOf,
} from './fingerprint.ts';

/** What is done about a session that turns up in a clearly different browser. */
export type BindingMode = 'reauthenticate' | 'end' | 'log' | 'off';

/** `bound`: what the session is bound to from now on, where that changed a little. */
export type Verdict = { kind: 'accept'; bound?: Fingerprint | undefined } | { kind: 'reauthenticate' } | { kind: 'end' };

export interface BindingDeps {
  places: Places;
  clock: Clock;
  audit: AuditBuffer;
  mode: BindingMode;
  /** `session_mismatches_total`. */
  mismatched(response: string): void;
}

/** Whose session is used. */
export interface Bearer {
  accountId: string;
  /** SHA-256 of the provider session's uid. */
  sessionUid: string;
  clientId?: string | undefined;
}

const quietMs = 600_000;
const maxRemembered = 2000;

/** What a browser does not tell stays as it was: nobody sheds what a session is bound to by leaving it out. */
const known = (now: Fingerprint): Fingerprint =>
  Object.fromEntries(Object.entries(now).filter(([, value]) => value !== undefined));

/** Sessions are bound to the browser they began in (FEATURES S1, SE-10), by what a server sees of it without asking. */
export const createBinding = ({ places, clock, audit, mode, mismatched }: BindingDeps) => {
  const told = new Map<string, number>();

  /** A thief who tries again and again, or an owner whose differences are only logged, makes one event in ten minutes. */
  const isNews = (key: string): boolean => {
    const now = clock.now().getTime();
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return false;
    if (told.size >= maxRemembered) told.delete(String(told.keys().next().value));
    told.delete(key);
    told.set(key, now);
    return true;
  };

  const tell = ({ accountId, sessionUid, clientId }: Bearer, signals: readonly Signal[], response: string): void => {
    mismatched(response);
    if (!isNews(`${sessionUid} ${signals.join(' ')}`)) return;
    audit.note({
      type: 'session.device_mismatch',
      outcome: response === 'logged' ? 'success' : 'denied',
      actor: { type: 'anonymous' },
      subjectId: accountId,
      sessionUid,
      clientId,
      details: { signals, score: scoreOf(signals), response },
    });
  };

  const answerTo = (before: Fingerprint, now: Fingerprint, bearer: Bearer): Verdict => {
    const signals = signalsOf(before, now);
    if (signals.length === 0) return { kind: 'accept' };
    if (scoreOf(signals) < clearlyDifferent) {
      tell(bearer, signals, 'logged');
      // What differs a little is told once and then is the browser's own; the token stays the one of the sign-in. A country is
      // that of the network, known or not.
      return { kind: 'accept', bound: { ...before, ...known(now), country: now.country, device: before.device } };
    }
    const isEnforced = mode === 'reauthenticate' || mode === 'end';
    tell(bearer, signals, mode === 'end' ? 'ended' : isEnforced ? 'reauthenticate' : 'logged');
    return { kind: isEnforced ? mode : 'accept' };
  };

  return {
    describe: (request: Surroundings): Fingerprint => fingerprintOf(request, places),
    /** @param before what the session is bound to; absent for one of before there was binding */
    judge: (before: Fingerprint | undefined, request: Surroundings, bearer: Bearer): Verdict => {
      if (mode === 'off') return { kind: 'accept' };
      const now = fingerprintOf(request, places);
      return before === undefined ? { kind: 'accept', bound: now } : answerTo(before, now, bearer);
    },
  };
};

export type Binding = ReturnType<typeof createBinding>;
