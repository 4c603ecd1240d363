import type { Envelope } from '../../platform/crypto/index.ts';
import { networkOf } from '../../platform/geo/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { FailureRepository } from '../password/repository.ts';

/** RS-04. */
const windowSeconds = 3600;
const mailsPerAddress = 5;
const requestsPerNetwork = 40;
/** Of one person, for identifiers of their own. */
const requestsPerAccount = 10;
const invitationsPerInviter = 40;

export interface ThrottleDeps {
  failures: Pick<FailureRepository, 'count'>;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
  /** RATE_LIMITS=off: requests are not counted by who sends them; mails are counted all the same. */
  isNetworkCounted: boolean;
}

/** How often anybody may make us write to somebody. */
export const createThrottle = ({ failures, envelope, clock, isNetworkCounted }: ThrottleDeps) => {
  const count = (what: string, limit: number) =>
    failures.count({ key: envelope.blindIndex(what, 'mail-limits'), now: clock.now(), windowSeconds, limit });
  return {
    /** When the network may ask again; `undefined` while it may. */
    networkStop: async (ip: string): Promise<Date | undefined> => {
      if (!isNetworkCounted) return undefined;
      const { count: used, endsAt } = await count(`network\0${networkOf(ip)}`, requestsPerNetwork);
      return used > requestsPerNetwork ? endsAt : undefined;
    },
    /** When the person may ask again; `undefined` while they may. */
    accountStop: async (accountId: string): Promise<Date | undefined> => {
      const { count: used, endsAt } = await count(`account\0${accountId}`, requestsPerAccount);
      return used > requestsPerAccount ? endsAt : undefined;
    },
    /** When another invitation may leave for the address, or of the inviter; `undefined` while it may. Inviters are told. */
    invitationStop: async (inviterId: string, canonical: string): Promise<Date | undefined> => {
      const own = isNetworkCounted ? await count(`inviter\0${inviterId}`, invitationsPerInviter) : undefined;
      if (own && own.count > invitationsPerInviter) return own.endsAt;
      const { count: used, endsAt } = await count(`address\0${canonical}`, mailsPerAddress);
      return used > mailsPerAddress ? endsAt : undefined;
    },
    /** Whether another mail or text message may go to the address. Nobody is told when not: the answer is the same. */
    mayMail: async (canonical: string): Promise<boolean> =>
      (await count(`address\0${canonical}`, mailsPerAddress)).count <= mailsPerAddress,
  };
};

export type Throttle = ReturnType<typeof createThrottle>;
