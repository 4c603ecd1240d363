import { sha256 } from '../../platform/crypto/index.ts';
import type { Places } from '../../platform/geo/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import { familyOf } from '../../sessions/index.ts';
import { factorsOf, levelOf, type RiskFactor, type RiskLevel, type Seen } from './factors.ts';
import type { HistoryRepository, PastRow } from './repository.ts';

export interface SignInAttempt {
  accountId: string;
  clientId?: string | undefined;
  /** How the person proved who they are. */
  method: string;
  from: {
    ip: string;
    userAgent?: string | undefined;
    /** What the browser holds; absent for a program and for a browser nobody has signed in from. */
    device?: string | undefined;
    isBrowser: boolean;
    /** Wrong passwords since the last right one. */
    failures?: number | undefined;
  };
}

/** What follows from the risk and the rules. `mailbox`: a code by mail; `address`: an address that was never confirmed is confirmed first. */
export type RiskResponse = 'let_in' | 'factor' | 'enrolment' | 'mailbox' | 'address' | 'refused';

export interface Assessment {
  level: RiskLevel;
  /** 0 to 100. */
  score: number;
  factors: readonly RiskFactor[];
  /** Writes the event: why, and what follows. */
  explain(response: RiskResponse): void;
}

export interface SignInRiskDeps {
  history: HistoryRepository;
  places: Places;
  clock: Clock;
  audit: AuditBuffer;
  /** `sign_in_risk_total`. */
  assessed(level: RiskLevel): void;
}

const historyMs = 90 * 86_400_000;
const maxPast = 30;

/** How risky a sign-in is, with its reasons; asked once the first factor is proven, so that a guess learns nothing. */
export const createSignInRisk = ({ history, places, clock, audit, assessed }: SignInRiskDeps) => {
  const nameOf = (userAgent: string | undefined): string => {
    const { browser, os } = familyOf(userAgent);
    return browser === undefined && os === undefined ? 'program' : `${browser ?? '?'} on ${os ?? '?'}`;
  };
  const seenOf = ({ ip, user_agent: userAgent, created_at: at }: PastRow): Seen => ({
    at,
    ip: ip ?? '',
    place: places.find(ip ?? undefined),
    family: nameOf(userAgent ?? undefined),
  });

  return {
    assess: async ({ accountId, clientId, method, from }: SignInAttempt): Promise<Assessment> => {
      const now = clock.now();
      const { ip, userAgent, device, isBrowser, failures = 0 } = from;
      const past = (await history.past(accountId, new Date(now.getTime() - historyMs), maxPast)).map(seenOf);
      const isHeld = device !== undefined && (await history.isKnown(accountId, sha256(device), now));
      const factors = factorsOf({
        past,
        now: { at: now, ip, place: places.find(ip), family: nameOf(userAgent) },
        isKnownBrowser: isBrowser ? isHeld : undefined,
        failures,
      });
      const score = Math.min(
        100,
        factors.reduce((sum, { weight }) => sum + weight, 0),
      );
      const level = levelOf(score);
      assessed(level);
      const explain = (response: RiskResponse): void => {
        if (score === 0) return;
        const actor = { type: 'user', id: accountId } as const;
        const details = { score, level, method, factors, response };
        audit.note({ type: 'risk.sign_in', outcome: 'success', actor, subjectId: accountId, clientId, details });
      };
      return { level, score, factors, explain };
    },
  };
};

export type SignInRisk = ReturnType<typeof createSignInRisk>;
