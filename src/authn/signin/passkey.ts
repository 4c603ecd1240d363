import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import type { Webauthn } from '../webauthn/service.ts';
import type { SignInOutcome } from './outcome.ts';
import type { SignInPlace } from './place.ts';
import type { SignIn } from './service.ts';

export interface PasskeySignInDeps {
  webauthn: Pick<Webauthn, 'identify'>;
  conclude: SignIn['conclude'];
  isActive(accountId: string): Promise<boolean>;
  audit: AuditBuffer;
  clock: Clock;
  attempted(outcome: SignInOutcome['kind']): void;
}

/** A discoverable passkey that has checked its user is a whole sign-in (FEATURES A7, A8). */
export const createPasskeySignIn = ({ webauthn, conclude, isActive, audit, clock, attempted }: PasskeySignInDeps) => {
  const checked = async (binding: string, response: unknown, place: SignInPlace): Promise<SignInOutcome> => {
    const found = await webauthn.identify(binding, response);
    if (!found || !(await isActive(found.accountId))) return { kind: 'refused' };
    const { amr, level } = found.proof;
    return conclude({ accountId: found.accountId, method: 'passkey', amr, level, authTime: clock.now() }, place);
  };

  /** @param binding the sign-in whose challenge was answered */
  return async (binding: string, response: unknown, place: SignInPlace): Promise<SignInOutcome> => {
    const outcome = await checked(binding, response, place);
    attempted(outcome.kind);
    if (outcome.kind === 'refused') {
      const about = { outcome: 'failure', actor: { type: 'anonymous' }, clientId: place.clientId, reason: 'refused' } as const;
      audit.note({ type: 'authn.login.failed', ...about, details: { method: 'passkey' } });
    }
    return outcome;
  };
};
