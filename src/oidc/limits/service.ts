import { LRUCache } from 'lru-cache';
import type { Envelope } from '../../platform/crypto/index.ts';
import { errors as platformErrors } from '../../platform/errors/index.ts';
import { networkOf } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { CounterRepository } from './repository.ts';

export interface LimitDeps {
  counters: CounterRepository;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
}

const windowSeconds = 15 * 60;

/** In 15 minutes: CL-06, CO-07 and CL-01. */
const limits = { secret: 20, userCode: 5, registration: 20 } as const;

/**
 * Counters of wrong client secrets, wrong user codes and open registrations, by address (IPv6 by its /64), exact over replicas.
 * Who has failed nowhere costs no statement.
 */
export const createProtocolLimits = ({ counters, envelope, clock }: LimitDeps) => {
  const stopped = new LRUCache<string, number>({ max: 50_000 });
  const keyOf = (kind: keyof typeof limits, subject: string, ip: string): string =>
    envelope.blindIndex(`${kind}\0${subject}\0${networkOf(ip)}`, 'protocol-limits');

  const refuse = (until: number): never => {
    const seconds = Math.max(1, Math.ceil((until - clock.now().getTime()) / 1000));
    throw platformErrors.too_many_requests({ headers: { 'Retry-After': String(seconds) } });
  };

  const count = async (kind: keyof typeof limits, key: string, stopsAt: number): Promise<void> => {
    const limit = limits[kind];
    const { count: counted, endsAt } = await counters.count({ key, now: clock.now(), windowSeconds, limit });
    if (counted >= stopsAt) stopped.set(key, endsAt.getTime());
  };

  const checkHere = (key: string): void => {
    const until = stopped.get(key);
    if (until !== undefined && until > clock.now().getTime()) refuse(until);
  };

  return {
    /** @throws too_many_requests once this client has failed too often from this address */
    checkSecret: (clientId: string, ip: string): void => {
      // Nobody is stopped most of the time, and a key costs a twelfth of a token request.
      if (stopped.size > 0) checkHere(keyOf('secret', clientId, ip));
    },
    secretFailed: (clientId: string, ip: string): Promise<void> => count('secret', keyOf('secret', clientId, ip), limits.secret),

    /** RFC 8628 §5.1. @throws too_many_requests */
    checkUserCode: async (ip: string): Promise<void> => {
      const key = keyOf('userCode', '', ip);
      checkHere(key);
      const found = await counters.read(key, clock.now());
      if (found && found.count >= limits.userCode) refuse(found.endsAt.getTime());
    },
    userCodeFailed: (ip: string): Promise<void> => count('userCode', keyOf('userCode', '', ip), limits.userCode),

    /** Counts one open registration (CL-01). @throws too_many_requests */
    registration: async (ip: string): Promise<void> => {
      const key = keyOf('registration', '', ip);
      checkHere(key);
      await count('registration', key, limits.registration + 1);
      checkHere(key);
    },
  };
};

export type ProtocolLimits = ReturnType<typeof createProtocolLimits>;
