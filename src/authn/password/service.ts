import type { Accounts } from '../../identity/index.ts';
import { canonicalIdentifier } from '../../identity/index.ts';
import { sha256 } from '../../platform/crypto/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import { type Hasher, HashingBusy } from './hashing.ts';
import type { FailureRepository } from './repository.ts';

export interface PasswordDeps {
  accounts: Accounts;
  hasher: Hasher;
  failures: FailureRepository;
  clock: Clock;
  audit: AuditBuffer;
  /** Failures before a stop. */
  limit: number;
}

interface Attempt {
  login: string;
  password: string;
  request: { ip: string };
  clientId?: string | undefined;
}

export type PasswordOutcome =
  | { kind: 'authenticated'; accountId: string; acr: string; amr: readonly string[]; authTime: Date }
  | { kind: 'refused' }
  | { kind: 'locked'; until: Date }
  | { kind: 'busy'; retryAfterSeconds: number };

const windowSeconds = 15 * 60;
const acr = 'urn:mace:incommon:iap:bronze';
const passwordLength = { least: 8, most: 128 };

type Problem = 'email_invalid' | 'password_short' | 'password_long';

/** One identity check for pages, API, devices (DESIGN.md, decision 4): unknown, wrong and locked out take the same time (PW-05). */
export const createPasswordSignIn = ({ accounts, hasher, failures, clock, audit, limit }: PasswordDeps) => {
  const keyOf = ({ login, request }: Attempt): string => sha256(`password ${canonicalIdentifier(login)} ${request.ip}`);

  const check = async (attempt: Attempt): Promise<string | undefined> => {
    const accountId = await accounts.idOf(attempt.login);
    const stored = accountId === undefined ? undefined : await accounts.passwordHash(accountId);
    const isRight = await hasher.verify(attempt.password.slice(0, 1024), stored);
    if (!isRight || accountId === undefined) return undefined;
    return (await accounts.find(accountId))?.status === 'active' ? accountId : undefined;
  };

  const signIn = async (attempt: Attempt): Promise<PasswordOutcome> => {
    const key = keyOf(attempt);
    const now = clock.now();
    const before = await failures.read(key, now);
    if (before && before.count >= limit) return { kind: 'locked', until: before.endsAt };
    const accountId = await check(attempt);
    const { clientId } = attempt;
    if (accountId === undefined) {
      await failures.add(key, now, windowSeconds);
      audit.note({
        type: 'authn.login.failed',
        outcome: 'failure',
        actor: { type: 'anonymous' },
        clientId,
        details: { method: 'password' },
      });
      return { kind: 'refused' };
    }
    await failures.clear(key);
    const actor = { type: 'user', id: accountId } as const;
    audit.note({
      type: 'authn.login.succeeded',
      outcome: 'success',
      actor,
      subjectId: accountId,
      clientId,
      details: { method: 'password' },
    });
    return { kind: 'authenticated', accountId, acr, amr: ['pwd'], authTime: now };
  };

  const problemsOf = (email: string, password: string): Problem[] => [
    ...(/^[^\s@]+@[^\s@]+$/.test(email) && email.length <= 254 ? [] : (['email_invalid'] as const)),
    ...(password.length < passwordLength.least ? (['password_short'] as const) : []),
    ...(password.length > passwordLength.most ? (['password_long'] as const) : []),
  ];

  const orBusy = async <Result>(work: () => Promise<Result>): Promise<Result | { kind: 'busy'; retryAfterSeconds: number }> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HashingBusy) return { kind: 'busy', retryAfterSeconds: 5 };
      throw error;
    }
  };

  return {
    signIn: (attempt: Attempt) => orBusy(() => signIn(attempt)),
    /** The same answer for a new and for a taken address (CONTRACT.md, `/register`). */
    register: (wish: { email: string; password: string; name?: string | undefined }) =>
      orBusy(async () => {
        const problems = problemsOf(wish.email, wish.password);
        if (problems.length > 0) return { kind: 'invalid' as const, problems };
        const passwordHash = await hasher.hash(wish.password);
        const claims = wish.name ? { name: wish.name } : {};
        await accounts.create({ email: wish.email, emailVerified: false, passwordHash, claims });
        return { kind: 'accepted' as const };
      }),
  };
};
