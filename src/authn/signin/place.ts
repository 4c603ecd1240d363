import type { Level } from '../../platform/assurance/index.ts';
import type { SignInAttempt } from '../../risk/index.ts';
import type { FlowChannel } from '../flows/repository.ts';

/** Who somebody is by one proof: a password, a passkey, a mailed link, an upstream provider. */
export interface FirstFactor {
  accountId: string;
  method: string;
  amr: readonly string[];
  level: Level;
  authTime: Date;
}

/** For whom and where the sign-in is. */
export interface SignInPlace {
  channel: FlowChannel;
  clientId?: string | undefined;
  /** Another application that waits for what the person will do here (CIBA): its rules hold too. */
  onBehalfOf?: string | undefined;
  /** Pages: the name of the sign-in that goes on; absent: a bearer value is made. */
  key?: string | undefined;
  /** What the application asks for (`acr_values`, `acr`). */
  neededLevel?: Level | undefined;
  /** Where it comes from, for its risk (S1); absent for a step-up of a session that is there. */
  from?: SignInAttempt['from'] | undefined;
  /** Cookie of a remembered device (A8). */
  trustedDevice?: string | undefined;
}
