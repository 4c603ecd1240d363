import { type Accounts, isEmailAddress } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { PasswordChoice, PasswordProblem } from '../password/choice.ts';
import type { Hasher } from '../password/hashing.ts';
import { orBusy } from '../password/pool.ts';
import type { Throttle } from '../tickets/throttle.ts';
import type { Verification } from '../verification/service.ts';
import { isDomainWelcome, type RegistrationPolicy } from './policy.ts';

export type RegistrationProblem = PasswordProblem | 'email_invalid' | 'email_domain';

export interface RegistrationWish {
  email: string;
  password: string;
  name?: string | undefined;
  claims?: Record<string, unknown> | undefined;
  request: { ip: string };
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
}

/** The same answer, in the same time, for a new and for a taken address (CONTRACT.md, `/register`). */
export const createRegistration = ({ accounts, passwords, throttle, verification, clock, policy }: RegistrationDeps) => {
  const { hasher, choice } = passwords;

  const problemsOf = async (email: string, password: string, claims: Record<string, unknown>): Promise<RegistrationProblem[]> => [
    ...(isEmailAddress(email) ? [] : (['email_invalid'] as const)),
    ...(!isEmailAddress(email) || isDomainWelcome(email, policy) ? [] : (['email_domain'] as const)),
    ...(await choice.problems(password, { claims: { ...claims, email } })),
  ];

  const make = async ({ email, password, flow, locale, request: { ip } }: RegistrationWish, claims: Record<string, unknown>) => {
    const passwordHash = await hasher.hash(password);
    const status = policy.needsApproval ? 'pending' : 'active';
    const address = email.normalize('NFKC').trim();
    const wish = { email: address, emailVerified: false, passwordHash, claims, source: 'registration', status } as const;
    const id = await accounts.create(wish);
    const { flow: held, shown, expiresAt } = await verification.afterSignUp(id, address, { ip, flow, locale });
    return { kind: 'accepted' as const, accountId: id ?? uuidv7(clock.now()), email: address, flow: held, shown, expiresAt };
  };

  return (wish: RegistrationWish) =>
    orBusy(async () => {
      const claims = { ...(wish.name ? { name: wish.name } : {}), ...wish.claims };
      const problems = await problemsOf(wish.email, wish.password, claims);
      if (problems.length > 0) return { kind: 'invalid' as const, problems };
      const until = await throttle.networkStop(wish.request.ip);
      return until ? { kind: 'limited' as const, until } : make(wish, claims);
    });
};
