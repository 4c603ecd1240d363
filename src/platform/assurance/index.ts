/**
 * Names and order of the levels of sign-in (`acr`), shared by those who reach, ask for and check them.
 * Answers to: OpenID Connect Core 1.0 §2, RFC 9470, RFC 8176.
 */
import { errors } from '../errors/index.ts';

/** 0: unknown or nobody; 1: one factor; 2: two factors, or a passkey that checked its user. */
export type Level = 0 | 1 | 2;

const namesByLevel: readonly (readonly [string, Level])[] = [
  ['urn:castellan:acr:password', 1],
  ['urn:castellan:acr:mfa', 2],
  ['urn:mace:incommon:iap:bronze', 1],
  ['urn:mace:incommon:iap:silver', 2],
];

const levels = new Map(namesByLevel);

/** Levels of sign-in, the weakest first; with the names other providers use for the same. */
export const acrValues: readonly string[] = namesByLevel.map(([name]) => name);

export const acrOfLevel: Record<Exclude<Level, 0>, string> = { 1: 'urn:castellan:acr:password', 2: 'urn:castellan:acr:mfa' };

export const levelOf = (acr: string | undefined): Level => (acr === undefined ? 0 : (levels.get(acr) ?? 0));

/** Whether a sign-in at `acr` is as good as `wanted`. */
export const satisfies = (acr: string | undefined, wanted: string): boolean => {
  const needed = levelOf(wanted);
  return needed > 0 && levelOf(acr) >= needed;
};

/** The least level that one of the wished values stands for; 0 when none of them is known. */
export const leastLevel = (wished: readonly string[]): Level => {
  const known = wished.map(levelOf).filter((level) => level > 0);
  return known.length === 0 ? 0 : (Math.min(...known) as Level);
};

/** What a route, or a rule in a service, asks of the sign-in behind a request. */
export interface StepUp {
  /** Seconds since the person last proved who they are. */
  maxAgeSeconds?: number | undefined;
  level?: Level | undefined;
}

/** security-cases, rule 4: how old "recent" may be, in seconds. */
export const recentSeconds = 600;

interface SignInFacts {
  type: 'user' | 'client';
  acr?: string | undefined;
  /** Seconds since the epoch. */
  authTime?: number | undefined;
}

/** RFC 9470 §3. @throws insufficient_user_authentication, with what to ask for at the authorization endpoint */
export const requireSignIn = ({ type, acr, authTime }: SignInFacts, { maxAgeSeconds, level = 0 }: StepUp, now: Date): void => {
  if (type === 'client') return;
  const isOld = maxAgeSeconds !== undefined && now.getTime() / 1000 - (authTime ?? 0) > maxAgeSeconds;
  const isWeak = levelOf(acr) < level;
  if (!isOld && !isWeak) return;
  const asked = {
    ...(level === 0 ? {} : { acr_values: acrOfLevel[level] }),
    ...(maxAgeSeconds === undefined ? {} : { max_age: maxAgeSeconds }),
  };
  throw errors.insufficient_user_authentication({ detail: 'Sign in again, as acr_values and max_age say', extensions: asked });
};

/** How a sign-in at `acr` is told to somebody who wished for these: in their words where it is as good (Core §5.5.1.1). */
export const answeredAcr = (acr: string | undefined, wished: readonly string[]): string | undefined =>
  wished.find((value) => value === acr) ?? wished.find((value) => satisfies(acr, value)) ?? acr;

/** RFC 8176 §2 names; each list is in the order of proof. */
export const isTwofold = (amr: readonly string[] | undefined): boolean => (amr?.length ?? 0) > 1;
