import { createHash } from 'node:crypto';
import { constantTimeEqual, type Envelope, randomSecret, sha256 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { FailureRepository } from '../password/repository.ts';

/** Some 260,000 digests: a third of a second in a browser, and a day of a machine for what guessers want. */
const bits = 18;
const lifeSeconds = 300;

/** A task to be done before a password is checked: a `counter` so that SHA-256(`challenge:counter`) begins with `bits` zero bits. */
export interface WorkTask {
  challenge: string;
  bits: number;
}

export interface WorkDeps {
  envelope: Pick<Envelope, 'blindIndex'>;
  failures: Pick<FailureRepository, 'count'>;
  clock: Clock;
}

/** @returns whether the digest begins with as many zero bits */
export const isWorkDone = (challenge: string, counter: string, wanted: number): boolean => {
  const digest = createHash('sha256').update(`${challenge}:${counter}`).digest();
  return digest.readUInt32BE(0) >>> (32 - wanted) === 0;
};

/** Self-hosted proof of work (A11): nothing is stored until it is brought back, and it is good once. */
export const createWork = ({ envelope, failures, clock }: WorkDeps) => {
  const seal = (body: string): string => envelope.blindIndex(body, 'proof-of-work');
  return {
    task: (): WorkTask => {
      const body = `${Math.floor(clock.now().getTime() / 1000) + lifeSeconds}.${randomSecret(16)}`;
      return { challenge: `${body}.${seal(body)}`, bits };
    },
    /** @param solution `challenge:counter` */
    accept: async (solution: string | undefined): Promise<boolean> => {
      const match = /^((\d{1,12})\.[\w-]{1,40})\.([\w-]{1,60}):(\d{1,15})$/.exec(solution ?? '');
      if (!match) return false;
      const [, body = '', ends = '', mac = '', counter = ''] = match;
      if (!constantTimeEqual(mac, seal(body)) || Number(ends) * 1000 <= clock.now().getTime()) return false;
      if (!isWorkDone(`${body}.${mac}`, counter, bits)) return false;
      const key = sha256(`work:${body}`);
      const { count } = await failures.count({ key, now: clock.now(), windowSeconds: 2 * lifeSeconds, limit: 1 });
      return count === 1;
    },
  };
};

export type Work = ReturnType<typeof createWork>;
