import type { Envelope } from '../../platform/crypto/index.ts';
import { networkOf } from '../../platform/geo/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { KnownDevices } from '../known-devices/service.ts';
import type { Guarded, Limits } from '../password/limits.ts';
import type { FailureRepository } from '../password/repository.ts';
import type { Work, WorkTask } from './proof-of-work.ts';

/** Failures of one account from anywhere before work is asked for, and before it is stopped (NIST SP 800-63B-4 §3.2.2: 100). */
const workAfterFailures = 10;
const lockAfterFailures = 100;
const accountSeconds = 86_400;
/** Accounts that one network has failed at before work is asked of it: many people share a network, few mistype at once. */
const workAfterAccounts = 50;
const networkSeconds = 900;

export interface GuardedAttempt {
  /** The account's id, or what was typed where nobody has it. */
  subject: string;
  accountId: string | undefined;
  ip: string;
  /** What the browser holds from an earlier sign-in (PW-11). */
  device?: string | undefined;
  /** `challenge:counter` */
  work?: string | undefined;
  /** In place of work, without script: the code that was mailed. */
  mailed?: { flow: string; code: string } | undefined;
}

export type SignInGuarded<Result> = Guarded<Result> | { kind: 'needs_work'; task: WorkTask };

export interface GuardDeps {
  limits: Limits;
  failures: FailureRepository;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
  devices: Pick<KnownDevices, 'recognize'>;
  proofs: {
    work: Work;
    mailed(accountId: string | undefined, code: { flow: string; code: string }): Promise<boolean>;
    /** Owed to the person whose account is stopped; the same work where there is none. */
    locked(accountId: string | undefined): Promise<void>;
  };
}

class WorkNeeded extends Error {}
class Stopped extends Error {
  readonly until: Date;
  constructor(until: Date) {
    super('stopped');
    this.until = until;
  }
}

/**
 * Everything that stands between a guess and its comparison (A11): five from one network, then nothing from there; guesses from
 * many networks, or at many accounts, meet proof of work, then a stop that the owner lifts by mail; known browsers have a count of
 * their own and are not stopped by strangers (PW-11). What is typed for nobody's account counts the same (PW-05).
 */
export const createSignInGuard = ({ limits, failures, envelope, clock, devices, proofs }: GuardDeps) => {
  const keyOf = (what: string): string => envelope.blindIndex(what, 'failures');

  const isWorked = async ({ accountId, work, mailed }: GuardedAttempt): Promise<boolean> =>
    mailed ? await proofs.mailed(accountId, mailed) : await proofs.work.accept(work);

  const tellOnce = async ({ subject, accountId }: GuardedAttempt): Promise<void> => {
    const key = keyOf(`told\0${subject}`);
    const { count } = await failures.count({ key, now: clock.now(), windowSeconds: 3600, limit: 1 });
    if (count === 1) await proofs.locked(accountId);
  };

  /** How many accounts this network has tried; each counts once a window. */
  const accountsTried = async ({ ip, subject }: GuardedAttempt): Promise<number> => {
    const now = clock.now();
    const network = networkOf(ip);
    const pair = keyOf(`tried\0${network}\0${subject}`);
    const total = keyOf(`tried\0${network}`);
    const { count: before } = await failures.count({ key: pair, now, windowSeconds: networkSeconds, limit: 1 });
    if (before > 1) return failures.peek(total, now);
    return (await failures.count({ key: total, now, windowSeconds: networkSeconds, limit: workAfterAccounts })).count;
  };

  /** @returns failures of the account, from wherever, with this one. @throws Stopped */
  const countAgainst = async (attempt: GuardedAttempt, account: string): Promise<number> => {
    const counted = { key: account, now: clock.now(), windowSeconds: accountSeconds, limit: lockAfterFailures };
    const { count, endsAt } = await failures.count({ ...counted, subject: limits.subjectOf(attempt.subject) });
    if (count <= lockAfterFailures) return count;
    await tellOnce(attempt);
    throw new Stopped(endsAt);
  };

  /** @throws Stopped, WorkNeeded */
  const admit = async (attempt: GuardedAttempt, account: string): Promise<void> => {
    const count = await countAgainst(attempt, account);
    const isSprayed = (await accountsTried(attempt)) > workAfterAccounts;
    if ((count > workAfterFailures || isSprayed) && !(await isWorked(attempt))) {
      await failures.takeBack(account);
      throw new WorkNeeded();
    }
  };

  /** @param rules what is asked before the check, and what its success does to the account's count */
  const guarded = async <Result>(
    attempt: GuardedAttempt,
    check: () => Promise<Result | undefined>,
    rules: { admit(attempt: GuardedAttempt, account: string): Promise<unknown>; succeeded(account: string): Promise<void> },
  ): Promise<Guarded<Result>> => {
    const device = await devices.recognize(attempt.device, attempt.accountId);
    // A known browser's success leaves the count of the strangers as it is.
    if (device !== undefined) return limits(attempt.subject, { device }, check);
    const account = keyOf(`account\0${attempt.subject}`);
    const checkCounted = async (): Promise<Result | undefined> => {
      await rules.admit(attempt, account);
      try {
        const result = await check();
        if (result !== undefined) await rules.succeeded(account);
        return result;
      } catch (error) {
        await failures.takeBack(account);
        throw error;
      }
    };
    try {
      return await limits(attempt.subject, attempt.ip, checkCounted);
    } catch (error) {
      if (error instanceof Stopped) return { kind: 'locked', until: error.until };
      throw error;
    }
  };

  const signIn = async <Result>(
    attempt: GuardedAttempt,
    check: () => Promise<Result | undefined>,
  ): Promise<SignInGuarded<Result>> => {
    try {
      return await guarded(attempt, check, { admit, succeeded: () => limits.forget(attempt.subject) });
    } catch (error) {
      if (error instanceof WorkNeeded) return { kind: 'needs_work', task: proofs.work.task() };
      throw error;
    }
  };

  return Object.assign(signIn, {
    /** For whoever has just shown work in vain. */
    task: proofs.work.task,
    /**
     * Somebody who is signed in shows the password once more (PW-04): counted with all others and stopped with them; no work is asked
     * of a session, and its success is none of a stranger's.
     */
    again: <Result>(attempt: GuardedAttempt, check: () => Promise<Result | undefined>): Promise<Guarded<Result>> =>
      guarded(attempt, check, { admit: countAgainst, succeeded: failures.takeBack }),
  });
};

export type SignInGuard = ReturnType<typeof createSignInGuard>;
