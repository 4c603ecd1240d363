import type { OpenFlow, Webauthn } from '../../authn/index.ts';
import type { LoginOutcome } from '../../oidc/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import { type EnrolDeps, showEnrolment, submitEnrolment } from '../enrol/page.ts';
import type { StepContext } from '../steps.ts';
import { type FactorStepDeps, flowKey, sendFactorCode, showFactor, submitFactor, waitingFactor } from './page.ts';
import { sendJson } from './passkey.ts';

/** What the dispatcher does for steps that belong to it. */
export interface Dispatch {
  /** A page or form while the sign-in is at its login step. */
  atSignIn(work: (step: StepContext) => Promise<void>): (page: PageContext) => Promise<void>;
  finish(step: StepContext, outcome: LoginOutcome): Promise<void>;
  deny(step: StepContext): Promise<void>;
}

export interface FactorStepsDeps {
  factor: FactorStepDeps;
  enrolment: EnrolDeps;
  passkeys: Pick<Webauthn, 'requestOptions' | 'registrationOptions'>;
}

/** The part of a sign-in after its first factor: a second one, or its set-up. */
export const createFactorSteps = ({ factor, enrolment, passkeys }: FactorStepsDeps, { atSignIn, finish, deny }: Dispatch) => {
  const finishFlow = async (step: StepContext): Promise<void> => {
    const outcome = await factor.flows.finish(flowKey(step), 'page');
    if (outcome.kind === 'authenticated') await finish(step, outcome);
    else step.page.redirect(`${step.base}/login`);
  };

  const show = async (step: StepContext, flow: OpenFlow): Promise<void> => {
    if (flow.isProven) await finishFlow(step);
    else if (flow.methods.length > 0) await showFactor(step, flow, factor);
    else await showEnrolment(step, flow, enrolment);
  };

  /** A page or form of this part: where there is none, or it is at another step, the way leads back. */
  const inFlow = (work: (step: StepContext, flow: OpenFlow) => Promise<void>) =>
    atSignIn(async (step) => {
      if (step.page.form.cancel !== undefined) return deny(step);
      if (step.page.form.restart !== undefined) {
        await factor.flows.abandon(flowKey(step));
        return step.page.redirect(`${step.base}/login`);
      }
      const waiting = await waitingFactor(step, factor);
      if (waiting?.kind === 'flow') await work(step, waiting.flow);
      else step.page.redirect(step.base);
    });

  return {
    /** Shows what a sign-in waits for; false while its first factor is not proven. */
    continueSignIn: async (step: StepContext): Promise<boolean> => {
      const waiting = await waitingFactor(step, factor);
      if (!waiting) return false;
      if (waiting.kind === 'done') await finish(step, waiting.outcome);
      else await show(step, waiting.flow);
      return true;
    },

    mount: (pages: PageRoutes): void => {
      pages.get('/interaction/:uid/mfa', inFlow(show));
      pages.post(
        '/interaction/:uid/mfa',
        inFlow(async (step, flow) => {
          const isSending = step.page.form.send !== undefined;
          const outcome = isSending ? await sendFactorCode(step, flow, factor) : await submitFactor(step, flow, factor);
          if (outcome === 'over') step.page.redirect(step.base);
          else if (outcome !== undefined) await finish(step, outcome);
        }),
      );
      pages.get('/interaction/:uid/enrol', inFlow(show));
      pages.post(
        '/interaction/:uid/enrol',
        inFlow(async (step, flow) => {
          // RS-05: whoever has a factor proves it; another one is set up in the account.
          if (flow.isProven) await finishFlow(step);
          else if (flow.methods.length > 0) step.page.redirect(step.base);
          else await submitEnrolment(step, flow, enrolment);
        }),
      );
      pages.get(
        '/interaction/:uid/enrol/passkey',
        inFlow(async (step, flow) => {
          if (flow.isProven || flow.methods.length > 0) return step.page.redirect(step.base);
          sendJson(step.page, await passkeys.registrationOptions(flow.accountId, flowKey(step)));
        }),
      );
      pages.get(
        '/interaction/:uid/passkey',
        atSignIn(async (step) => {
          const waiting = await waitingFactor(step, factor);
          const accountId = waiting?.kind === 'flow' ? waiting.flow.accountId : undefined;
          sendJson(step.page, await passkeys.requestOptions(flowKey(step), accountId));
        }),
      );
    },
  };
};
