import { type Accounts, canonicalIdentifier, isEmailAddress } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import type { Hasher } from './hashing.ts';
import type { Limits } from './limits.ts';
import { HashingBusy } from './pool.ts';

export interface PasswordDeps {
  accounts: Accounts;
  hasher: Hasher;
  limits: Limits;
  clock: Clock;
  audit: AuditBuffer;
  /** Metrics of every attempt. */
  attempted(outcome: PasswordOutcome['kind']): void;
}

interface Attempt {
  login: string;
  password: string;
  request: { ip: string };
  clientId?: string | undefined;
}

interface Busy {
  kind: 'busy';
  retryAfterSeconds: number;
}

export type PasswordOutcome =
  | { kind: 'authenticated'; accountId: string; acr: string; amr: readonly string[]; authTime: Date }
  | { kind: 'refused' }
  | { kind: 'locked'; until: Date }
  | Busy;

const acr = 'urn:mace:incommon:iap:bronze';
/** NIST SP 800-63B-4 §3.1.1.2. */
const passwordLength = { least: 8, most: 128 };

export type PasswordProblem = 'email_invalid' | 'password_short' | 'password_long' | 'password_weak';

const passwordProblems = (password: string, context: readonly string[]): PasswordProblem[] => {
  // PW-06: characters, not UTF-16 units.
  const length = [...password.normalize('NFKC')].length;
  if (length < passwordLength.least) return ['password_short'];
  if (length > passwordLength.most) return ['password_long'];
  const folded = canonicalIdentifier(password);
  return context.some((word) => canonicalIdentifier(word) === folded) ? ['password_weak'] : [];
};

const orBusy = async <Result>(work: () => Promise<Result>): Promise<Result | Busy> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HashingBusy) return { kind: 'busy', retryAfterSeconds: 5 };
    throw error;
  }
};

/** One identity check for pages, API, devices (DESIGN.md, decision 4): unknown, wrong and disabled take the same time (PW-05). */
export const createPasswordSignIn = ({ accounts, hasher, limits, clock, audit, attempted }: PasswordDeps) => {
  const isRight = async (accountId: string | undefined, password: string): Promise<boolean> => {
    const stored = accountId === undefined ? undefined : await accounts.passwordHash(accountId);
    if (!(await hasher.verify(password, stored)) || accountId === undefined || stored === undefined) return false;
    if ((await accounts.find(accountId))?.status !== 'active') return false;
    if (hasher.isStale(stored)) await accounts.renewPasswordHash(accountId, await hasher.hash(password));
    return true;
  };

  const checked = async ({ login, password, request }: Attempt): Promise<PasswordOutcome> => {
    const accountId = await accounts.idOf(login);
    const authTime = clock.now();
    const guarded = await limits(accountId ?? canonicalIdentifier(login), request.ip, async () =>
      (await isRight(accountId, password)) ? accountId : undefined,
    );
    if (guarded.kind === 'locked') return guarded;
    if (guarded.result === undefined) return { kind: 'refused' };
    return { kind: 'authenticated', accountId: guarded.result, acr, amr: ['pwd'], authTime };
  };

  const note = (outcome: PasswordOutcome, clientId: string | undefined): void => {
    if (outcome.kind === 'authenticated') {
      const { accountId: id } = outcome;
      const details = { method: 'password', acr, amr: ['pwd'] };
      const actor = { type: 'user', id } as const;
      audit.note({ type: 'authn.login.succeeded', outcome: 'success', actor, subjectId: id, clientId, details });
    } else {
      const actor = { type: 'anonymous' } as const;
      const details = { method: 'password' };
      audit.note({ type: 'authn.login.failed', outcome: 'failure', actor, clientId, reason: outcome.kind, details });
    }
  };

  const signIn = async (attempt: Attempt): Promise<PasswordOutcome> => {
    const outcome = await orBusy(() => checked(attempt));
    attempted(outcome.kind);
    note(outcome, attempt.clientId);
    return outcome;
  };

  return {
    signIn,
    /** The same answer, in the same time, for a new and for a taken address (CONTRACT.md, `/register`). */
    register: (wish: { email: string; password: string; name?: string | undefined; claims?: Record<string, unknown> }) =>
      orBusy(async () => {
        const { email, password, name, claims } = wish;
        const problems: PasswordProblem[] = [
          ...(isEmailAddress(email) ? [] : (['email_invalid'] as const)),
          ...passwordProblems(password, [email, email.split('@')[0] ?? '']),
        ];
        if (problems.length > 0) return { kind: 'invalid' as const, problems };
        const passwordHash = await hasher.hash(password);
        const named = { ...(name ? { name } : {}), ...claims };
        const address = email.normalize('NFKC').trim();
        const id = await accounts.create({
          email: address,
          emailVerified: false,
          passwordHash,
          claims: named,
          source: 'registration',
        });
        return { kind: 'accepted' as const, accountId: id ?? uuidv7(clock.now()), email: address };
      }),
    /** PW-08, PW-04: the current password is asked for, and guesses at it count as everywhere. */
    changePassword: (wish: { accountId: string; currentPassword: string; newPassword: string; request: { ip: string } }) =>
      orBusy(async () => {
        const { accountId, currentPassword, newPassword, request } = wish;
        const guarded = await limits(accountId, request.ip, async () => (await isRight(accountId, currentPassword)) || undefined);
        if (guarded.kind === 'locked') return guarded;
        if (guarded.result === undefined) return { kind: 'refused' as const };
        const account = await accounts.find(accountId);
        const email = String(account?.claims.email ?? '');
        const problems = passwordProblems(newPassword, [email, currentPassword]);
        if (problems.length > 0) return { kind: 'invalid' as const, problems };
        await accounts.changePassword(accountId, await hasher.hash(newPassword));
        return { kind: 'changed' as const };
      }),
  };
};
