import type { Provider } from 'oidc-provider';
import { acrOfLevel } from '../../platform/assurance/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { ApprovalPages, BrowserSession } from '../surface.ts';
import type { Approvals } from './service.ts';

type Middleware = Parameters<Provider['use']>[0];

interface AutomaticDeps {
  provider(): Provider;
  approvals: Pick<Approvals, 'waiting'>;
  answer: ApprovalPages['answer'];
  clock: Clock;
}

/** Where the official suite says what the person would have said (its `automated_ciba_approval_url`). */
export const automaticApprovalPath = '/conformance/ciba';

/**
 * PROFILE=conformance only: whoever has an `auth_req_id`, which is the client, answers for the person. The suite has no hands to
 * press a button on another device.
 */
export const automaticApproval = ({ provider, approvals, answer: answerAs, clock }: AutomaticDeps): Middleware => {
  const answer = async (authReqId: string, isAllowed: boolean): Promise<void> => {
    const request = await provider().BackchannelAuthenticationRequest.find(authReqId);
    const { accountId } = request ?? {};
    const waiting = accountId === undefined ? [] : await approvals.waiting(accountId);
    const found = waiting.find((approval) => approval.authReqId === authReqId);
    if (accountId === undefined || !found) throw errors.approval_not_found();
    const session: BrowserSession = {
      accountId,
      acr: acrOfLevel[1],
      amr: ['pwd'],
      uid: '',
      sessionUid: '',
      authenticatedAt: clock.now(),
    };
    await answerAs(session, found.id, isAllowed);
  };

  return async (ctx, next) => {
    if (ctx.path !== automaticApprovalPath) return await next();
    const { auth_req_id: authReqId, action } = ctx.query;
    await answer(String(authReqId), action === 'allow');
    ctx.status = 204;
  };
};
