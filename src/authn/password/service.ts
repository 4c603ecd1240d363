import { type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import { deviceCookie } from '../../sessions/index.ts';
import type { SignInGuard, SignInGuarded } from '../limits/guard.ts';
import type { SignInOutcome } from '../signin/outcome.ts';
import type { FirstFactor, SignInPlace } from '../signin/place.ts';
import type { SignIn } from '../signin/service.ts';
import type { PasswordChoice } from './choice.ts';
import type { Hasher } from './hashing.ts';
import type { Limits } from './limits.ts';
import { type Busy, orBusy } from './pool.ts';

export interface PasswordDeps {
  accounts: Accounts;
  hasher: Hasher;
  choice: PasswordChoice;
  passwordChanged: PasswordChanged;
  limits: Limits;
  guard: SignInGuard;
  clock: Clock;
  audit: AuditBuffer;
  /** Metrics of every attempt. */
  attempted(outcome: SignInOutcome['kind']): void;
  conclude: SignIn['conclude'];
}

/** PW-08, PW-11: tells the person and makes every browser unknown, in the transaction of the change. */
export type PasswordChanged = (trx: Transaction, accountId: string, claims: Readonly<Record<string, unknown>>) => Promise<void>;

interface Attempt {
  login: string;
  password: string;
  request: { ip: string; userAgent?: string | undefined };
  clientId?: string | undefined;
  /** What the browser holds from an earlier sign-in. */
  device?: string | undefined;
  /** Proof of work: `challenge:counter`. */
  work?: string | undefined;
  /** The mailed code in its place. */
  mailed?: { flow: string; code: string } | undefined;
  /** Where the sign-in goes on; the JSON API where absent. */
  place?: Omit<SignInPlace, 'clientId'> | undefined;
}

/** Where somebody who is signed in asks from. */
interface Origin {
  ip: string;
  /** One of our own cookies by its plain name. */
  cookie?: ((name: string) => string | undefined) | undefined;
}

type Transaction = Parameters<NonNullable<Parameters<Accounts['changePassword']>[2]>>[0];

type Checked =
  | { kind: 'right'; first: FirstFactor; failures: number }
  | Exclude<SignInGuarded<never>, { kind: 'checked' }>
  | Extract<SignInOutcome, { kind: 'refused' }>
  | Busy;

/** One identity check for pages, API, devices (DESIGN.md, decision 4): unknown, wrong and disabled take the same time (PW-05). */
export const createPasswordSignIn = ({
  accounts,
  hasher,
  choice,
  passwordChanged,
  limits,
  guard,
  clock,
  audit,
  attempted,
  conclude,
}: PasswordDeps) => {
  const isRight = async (accountId: string | undefined, password: string): Promise<boolean> => {
    const stored = accountId === undefined ? undefined : await accounts.passwordHash(accountId);
    if (!(await hasher.verify(password, stored)) || accountId === undefined || stored === undefined) return false;
    if ((await accounts.find(accountId))?.status !== 'active') return false;
    if (hasher.isStale(stored)) await accounts.renewPasswordHash(accountId, stored, await hasher.hash(password));
    return true;
  };

  const checked = async ({ login, password, request, device, work, mailed }: Attempt): Promise<Checked> => {
    const accountId = await accounts.idOf(login);
    const authTime = clock.now();
    const subject = accountId ?? canonicalIdentifier(login);
    const failures = await limits.failuresOf(subject);
    const guarded = await guard({ subject, accountId, ip: request.ip, device, work, mailed }, async () =>
      (await isRight(accountId, password)) ? accountId : undefined,
    );
    if (guarded.kind !== 'checked') return guarded;
    if (guarded.result === undefined) return { kind: 'refused', task: work === undefined ? undefined : guard.task() };
    const first: FirstFactor = { accountId: guarded.result, method: 'password', amr: ['pwd'], level: 1, authTime };
    return { kind: 'right', first, failures };
  };

  const again = (accountId: string, password: string, { ip, cookie }: Origin) =>
    guard.again({ subject: accountId, accountId, ip, device: cookie?.(deviceCookie) }, async () =>
      (await isRight(accountId, password)) ? true : undefined,
    );

  const failed = (reason: string, clientId: string | undefined): void => {
    const actor = { type: 'anonymous' } as const;
    const details = { method: 'password' };
    audit.note({ type: 'authn.login.failed', outcome: 'failure', actor, clientId, reason, details });
  };

  const signIn = async (attempt: Attempt): Promise<SignInOutcome> => {
    const { clientId, place = { channel: 'api' }, request, device } = attempt;
    const { ip, userAgent } = request;
    const { isBrowser = false } = place.from ?? {};
    const found = await orBusy(() => checked(attempt));
    const outcome =
      found.kind === 'right'
        ? await conclude(found.first, {
            ...place,
            clientId,
            from: { ip, userAgent, device, isBrowser, failures: found.failures },
          })
        : found;
    attempted(outcome.kind);
    if (found.kind !== 'right') failed(found.kind, clientId);
    return outcome;
  };

  return {
    signIn,
    /** The person proves once more who they are; guesses count as everywhere (PW-04). */
    confirm: (accountId: string, password: string, origin: Origin) =>
      orBusy(async () => {
        const guarded = await again(accountId, password, origin);
        if (guarded.kind === 'locked') return guarded;
        return { kind: guarded.result === undefined ? ('refused' as const) : ('confirmed' as const) };
      }),
    /** PW-08, PW-04: the current password is asked for, and guesses at it count as everywhere. */
    changePassword: (wish: {
      accountId: string;
      currentPassword: string;
      newPassword: string;
      request: Origin;
      alongside?: Parameters<Accounts['changePassword']>[2];
    }) =>
      orBusy(async () => {
        const { accountId, currentPassword, newPassword, request, alongside } = wish;
        const guarded = await again(accountId, currentPassword, request);
        if (guarded.kind === 'locked') return guarded;
        if (guarded.result === undefined) return { kind: 'refused' as const };
        const claims = (await accounts.find(accountId))?.claims ?? {};
        const problems = await choice.problems(newPassword, { accountId, claims });
        if (problems.length > 0) return { kind: 'invalid' as const, problems };
        await accounts.changePassword(accountId, await hasher.hash(newPassword), async (trx) => {
          await alongside?.(trx);
          await passwordChanged(trx, accountId, claims);
        });
        return { kind: 'changed' as const };
      }),
  };
};
