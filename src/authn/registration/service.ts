import { type Accounts, isEmailAddress } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { PasswordChoice, PasswordProblem } from '../password/choice.ts';
import type { Hasher } from '../password/hashing.ts';
import { orBusy } from '../password/pool.ts';
import type { Terms } from '../terms/service.ts';
import type { Throttle } from '../tickets/throttle.ts';
import type { Verification } from '../verification/service.ts';
import { isDomainWelcome, type RegistrationPolicy } from './policy.ts';

export type RegistrationProblem = PasswordProblem | 'email_invalid' | 'email_domain' | 'terms_missing';

export interface RegistrationWish {
  email: string;
  password: string;
  name?: string | undefined;
  claims?: Record<string, unknown> | undefined;
  request: { ip: string };
  /** The version that the person accepts. */
  acceptedTerms?: string | undefined;
  /** What the browser holds of an earlier mail. */
  flow?: string | undefined;
  locale?: string | undefined;
}

export interface RegistrationDeps {
  accounts: Pick<Accounts, 'create'>;
  passwords: { hasher: Pick<Hasher, 'hash'>; choice: PasswordChoice };
  throttle: Pick<Throttle, 'networkStop'>;
  verification: Pick<Verification, 'afterSignUp'>;
  clock: Clock;
  policy: RegistrationPolicy;
  terms: Pick<Terms, 'current' | 'acceptIn'>;
}

/** The same answer, in the same time, for a new and for a taken address (CONTRACT.md, `/register`). */
export const createRegistration = ({ accounts, passwords, throttle, verification, clock, policy, terms }: RegistrationDeps) => {
  const { hasher, choice } = passwords;

  const addressProblems = (email: string): RegistrationProblem[] => {
    if (!isEmailAddress(email)) return ['email_invalid'];
    return isDomainWelcome(email, policy) ? [] : ['email_domain'];
  };

  const problemsOf = async (
    { email, password, acceptedTerms }: RegistrationWish,
    claims: Record<string, unknown>,
    version: string | undefined,
  ): Promise<RegistrationProblem[]> => [
    ...addressProblems(email),
    ...(version === undefined || version === acceptedTerms ? [] : (['terms_missing'] as const)),
    ...(await choice.problems(password, { claims: { ...claims, email } })),
  ];

  const make = async (
    { email, password, flow, locale, request: { ip } }: RegistrationWish,
    claims: Record<string, unknown>,
    version: string | undefined,
  ) => {
    const passwordHash = await hasher.hash(password);
    const status = policy.needsApproval ? 'pending' : 'active';
    const address = email.normalize('NFKC').trim();
    const wish = { email: address, emailVerified: false, passwordHash, claims, source: 'registration', status } as const;
    const id = await accounts.create(wish, async (trx, newId) => {
      if (version !== undefined) await terms.acceptIn(trx, newId, version);
    });
    const { flow: held, shown, expiresAt } = await verification.afterSignUp(id, address, { ip, flow, locale });
    return { kind: 'accepted' as const, accountId: id ?? uuidv7(clock.now()), email: address, flow: held, shown, expiresAt };
  };

  return (wish: RegistrationWish) =>
    orBusy(async () => {
      const claims = { ...(wish.name ? { name: wish.name } : {}), ...wish.claims };
      const version = (await terms.current())?.version;
      const problems = await problemsOf(wish, claims, version);
      if (problems.length > 0) return { kind: 'invalid' as const, problems };
      const until = await throttle.networkStop(wish.request.ip);
      return until ? { kind: 'limited' as const, until } : make(wish, claims, version);
    });
};
