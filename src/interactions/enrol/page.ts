import type { Enrolment, OpenFlow, Proof } from '../../authn/index.ts';
import { Refusal } from '../../platform/errors/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { flowKey, refusedFactor } from '../mfa/page.ts';
import { postedPasskey } from '../mfa/passkey.ts';
import type { FormError, StepContext } from '../steps.ts';

/** What `authn` offers to set up an authenticator app. */
export interface AppEnrolment {
  pending(accountId: string): Promise<Enrolment | undefined>;
  enable(accountId: string): Promise<Enrolment>;
  verify(
    accountId: string,
    deviceId: string,
    code: string,
  ): Promise<
    | { kind: 'verified'; recoveryCodes: readonly string[]; proof: Proof }
    | { kind: 'refused' }
    | { kind: 'locked'; until: Date }
    | { kind: 'proven' }
  >;
}

/** What `authn` offers to set up a passkey. */
export interface PasskeyEnrolment {
  register(
    accountId: string,
    binding: string,
    response: unknown,
    name: string,
  ): Promise<{ recoveryCodes: readonly string[]; proof: Proof }>;
}

export interface EnrolDeps {
  totp: AppEnrolment;
  webauthn: PasskeyEnrolment;
  prove(token: string, channel: 'page', proof: Proof): Promise<void>;
  clock: Clock;
}

/** What a page shows of a key: drawn as a code, and in groups of four. */
export const enrolmentView = ({ secret, qrSvg }: Enrolment) => ({ qrSvg, key: secret.match(/.{1,4}/g)?.join(' ') ?? secret });

/** The key stays the same while the page is loaded again: what was scanned stays good. */
const enrolmentOf = async (totp: AppEnrolment, accountId: string): Promise<Enrolment> =>
  (await totp.pending(accountId)) ?? (await totp.enable(accountId));

/** Sets up an authenticator app within a sign-in, because a policy or the application asks for one. */
export const showEnrolment = async (
  step: StepContext,
  flow: OpenFlow,
  { totp }: EnrolDeps,
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => {
  const enrolment = await enrolmentOf(totp, flow.accountId);
  const canCancel = !step.details.isDevice;
  const registerUrl = `${step.base}/enrol/passkey`;
  const view = { action: `${step.base}/enrol`, registerUrl, ...enrolmentView(enrolment), canCancel, isForced: true };
  step.show('enrol', { ...view, errors }, status);
};

const submitPasskey = async (step: StepContext, flow: OpenFlow, deps: EnrolDeps, response: unknown): Promise<void> => {
  try {
    const { recoveryCodes, proof } = await deps.webauthn.register(flow.accountId, flowKey(step), response, '');
    await deps.prove(flowKey(step), 'page', proof);
    if (recoveryCodes.length > 0) step.show('recovery-codes', { action: `${step.base}/enrol`, codes: recoveryCodes });
    else step.page.redirect(step.base);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await showEnrolment(step, flow, deps, [{ key: 'passkey.refused' }], 400);
  }
};

/** Confirms a passkey, or the app by its first code, and shows the recovery codes, for the only time. */
export const submitEnrolment = async (step: StepContext, flow: OpenFlow, deps: EnrolDeps): Promise<void> => {
  const passkey = postedPasskey(step.page.form.registration);
  if (passkey) return submitPasskey(step, flow, deps, passkey);
  const code = (step.page.form.code ?? '').trim();
  if (code === '') return showEnrolment(step, flow, deps, [{ field: 'code', key: 'mfa.missing' }], 400);
  const { deviceId } = await enrolmentOf(deps.totp, flow.accountId);
  const outcome = await deps.totp.verify(flow.accountId, deviceId, code);
  if (outcome.kind === 'verified') {
    await deps.prove(flowKey(step), 'page', outcome.proof);
    step.show('recovery-codes', { action: `${step.base}/enrol`, codes: outcome.recoveryCodes });
  } else if (outcome.kind !== 'proven') {
    const { errors, status } = refusedFactor(step, outcome, deps.clock);
    await showEnrolment(step, flow, deps, errors, status);
  }
};
