import type {
  AnswerOutcome,
  Authenticated,
  FactorMethod,
  FirstFactor,
  OpenFlow,
  ProofOutcome,
  SendOutcome,
  SentMethod,
  SignInOutcome,
  SignInPlace,
} from '../../authn/index.ts';
import { levelOf } from '../../platform/assurance/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { type Accounts, viewOfPerson } from '../consent/page.ts';
import { heldDevice } from '../login/browser.ts';
import type { FormError, StepContext } from '../steps.ts';
import { postedPasskey } from './passkey.ts';
import { heldTrust, rememberDevice, type TrustedDevices } from './trusted.ts';

/** Sign-ins that wait for a second factor, as `authn` keeps them. */
export interface FactorFlows {
  conclude(first: FirstFactor, place: SignInPlace): Promise<SignInOutcome>;
  pending(token: string, channel: 'page'): Promise<OpenFlow | undefined>;
  answerCode(token: string, channel: 'page', code: string): Promise<AnswerOutcome>;
  answer(
    token: string,
    channel: 'page',
    prove: (flow: { id: string; accountId: string }) => Promise<ProofOutcome>,
  ): Promise<AnswerOutcome>;
  sendCode(token: string, channel: 'page', method: SentMethod, locale?: string): Promise<SendOutcome | { kind: 'expired' }>;
  sendingHint(accountId: string, method: SentMethod): Promise<string | undefined>;
  finish(token: string, channel: 'page'): Promise<AnswerOutcome>;
  abandon(token: string): Promise<void>;
}

export interface FactorStepDeps {
  flows: FactorFlows;
  provePasskey(accountId: string, binding: string, response: unknown): Promise<ProofOutcome>;
  trustedDevices: TrustedDevices;
  accounts: Accounts;
  clock: Clock;
}

/** The sign-in that a stored interaction is; it is bound to the browser by the interaction's cookie (SE-02). */
export const flowKey = ({ details }: StepContext): string => `interaction:${details.uid}`;

export const signInPlace = (step: StepContext): SignInPlace => ({
  channel: 'page',
  key: flowKey(step),
  clientId: step.details.client.clientId,
  onBehalfOf: step.details.onBehalfOf,
  neededLevel: step.details.neededLevel,
  from: { ip: step.page.request.ip, userAgent: step.page.request.userAgent, device: heldDevice(step.page), isBrowser: true },
  trustedDevice: heldTrust(step.page),
});

/** Who is signed in already and needs no more than a second factor. */
const stepUp = ({ details }: StepContext, clock: Clock): FirstFactor | undefined => {
  const { accountId, acr, amr, isStepUp } = details;
  if (!isStepUp || accountId === undefined) return undefined;
  return { accountId, method: 'session', amr: amr ?? ['pwd'], level: levelOf(acr) || 1, authTime: clock.now() };
};

/** What a sign-in waits for: a factor, the set-up of one, nothing more, or it has not begun. */
export type Waiting = { kind: 'flow'; flow: OpenFlow } | { kind: 'done'; outcome: Authenticated } | undefined;

export const waitingFactor = async (step: StepContext, { flows, clock }: FactorStepDeps): Promise<Waiting> => {
  const flow = await flows.pending(flowKey(step), 'page');
  if (flow) return { kind: 'flow', flow };
  const first = stepUp(step, clock);
  if (!first) return undefined;
  // The session is checked by itself (SE-10); its bearer is not new here.
  const outcome = await flows.conclude(first, { ...signInPlace(step), from: undefined });
  if (outcome.kind === 'authenticated') return { kind: 'done', outcome };
  const opened = await flows.pending(flowKey(step), 'page');
  return opened && { kind: 'flow', flow: opened };
};

const chosenMethod = (methods: readonly FactorMethod[], wish: string | undefined): FactorMethod | undefined =>
  methods.find((method) => method === wish) ?? methods[0];

const isSent = (method: FactorMethod | undefined): method is SentMethod => method === 'email' || method === 'sms';

/** Asks for a second factor. @param status 200, 400 for an empty form, 401 refused, 429 stopped */
export const showFactor = async (
  step: StepContext,
  flow: OpenFlow,
  { accounts, flows }: Pick<FactorStepDeps, 'accounts' | 'flows'>,
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => {
  const { page, base, details } = step;
  const method = chosenMethod(flow.methods, page.form.method ?? page.query.method);
  const account = viewOfPerson((await accounts.find(flow.accountId))?.claims ?? {}, flow.accountId);
  const others = flow.methods
    .filter((other) => other !== method)
    .map((other) => ({ method: other, href: `${base}/mfa?method=${other}` }));
  const passkeyUrl = method === 'webauthn' ? `${base}/passkey` : undefined;
  const sending = isSent(method)
    ? { to: await flows.sendingHint(flow.accountId, method), isCodeSent: flow.sent === method }
    : undefined;
  const { isUnusual } = flow;
  const view = { action: `${base}/mfa`, method, passkeyUrl, sending, others, account, canCancel: !details.isDevice, isUnusual };
  // Where the application asks for a factor, a remembered device would not spare it.
  step.show('mfa', { ...view, errors, canRemember: details.neededLevel < 2, remember: page.form.remember === 'yes' }, status);
};

const secondsUntil = (until: Date, clock: Clock): number =>
  Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000));

/** What a refused factor says, and its status. */
export const refusedFactor = (
  step: StepContext,
  outcome: { kind: 'refused' } | { kind: 'locked'; until: Date },
  clock: Clock,
): { errors: FormError[]; status: number } => {
  if (outcome.kind === 'refused') {
    const isPasskey = step.page.form.assertion !== undefined && step.page.form.assertion !== '';
    return { errors: [isPasskey ? { key: 'passkey.refused' } : { field: 'code', key: 'mfa.refused' }], status: 401 };
  }
  const seconds = secondsUntil(outcome.until, clock);
  step.page.ctx.set('Retry-After', String(seconds));
  return { errors: [{ key: 'mfa.locked', values: { count: Math.ceil(seconds / 60) } }], status: 429 };
};

/** What was posted, proven where it can be. `undefined`: nothing was. */
const answerPosted = (step: StepContext, { flows, provePasskey }: FactorStepDeps): Promise<AnswerOutcome> | undefined => {
  const { form } = step.page;
  const key = flowKey(step);
  const passkey = postedPasskey(form.assertion);
  if (passkey) return flows.answer(key, 'page', ({ accountId }) => provePasskey(accountId, key, passkey));
  const code = (form.code ?? '').trim();
  return code === '' ? undefined : flows.answerCode(key, 'page', code);
};

/** Sends a code and shows where to enter it; nothing is sent by opening a page. `over`: the sign-in is gone. */
export const sendFactorCode = async (step: StepContext, flow: OpenFlow, deps: FactorStepDeps): Promise<'over' | undefined> => {
  const { method } = step.page.form;
  const wished = flow.methods.filter(isSent).find((one) => one === method);
  if (wished === undefined) {
    await showFactor(step, flow, deps);
    return undefined;
  }
  const outcome = await deps.flows.sendCode(flowKey(step), 'page', wished, step.locale);
  if (outcome.kind === 'expired') return 'over';
  if (outcome.kind === 'sent') {
    // Back and reload find a page, not a form to be posted again.
    step.page.redirect(`${step.base}/mfa?method=${wished}`);
    return undefined;
  }
  if (outcome.kind === 'unavailable') await showFactor(step, flow, deps, [{ key: 'mfa.not_sent' }], 400);
  else {
    const seconds = secondsUntil(outcome.until, deps.clock);
    step.page.ctx.set('Retry-After', String(seconds));
    await showFactor(step, flow, deps, [tooManyCodes(seconds)], 429);
  }
  return undefined;
};

/** A cooldown in seconds, an hour's limit in minutes. */
export const tooManyCodes = (seconds: number): FormError =>
  seconds < 120
    ? { key: 'mfa.send_wait', values: { count: seconds } }
    : { key: 'mfa.send_limit', values: { count: Math.ceil(seconds / 60) } };

/** Checks what was posted. The outcome when it is right; `over` when this step is; else the page is shown again. */
export const submitFactor = async (
  step: StepContext,
  flow: OpenFlow,
  deps: FactorStepDeps,
): Promise<Authenticated | 'over' | undefined> => {
  const outcome = await answerPosted(step, deps);
  if (outcome === undefined) {
    await showFactor(step, flow, deps, [{ field: 'code', key: 'mfa.missing' }], 400);
    return undefined;
  }
  if (outcome.kind === 'authenticated') {
    await rememberDevice(step.page, outcome.accountId, deps.trustedDevices);
    return outcome;
  }
  if (outcome.kind === 'expired' || outcome.kind === 'needs_enrolment') return 'over';
  const { errors, status } = refusedFactor(step, outcome, deps.clock);
  await showFactor(step, flow, deps, errors, status);
  return undefined;
};
