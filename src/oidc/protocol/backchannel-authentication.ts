import { type BackchannelAuthenticationRequest, type Configuration, errors } from 'oidc-provider';
import type { Clock } from '../../platform/ports.ts';
import type { Approvals } from '../approvals/service.ts';

type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>;

export interface CibaDeps {
  approvals: Pick<Approvals, 'request'>;
  clock: Clock;
  /** Account id behind an e-mail address or user name. */
  accountOf(login: string): Promise<string | undefined>;
}

/** CIBA Core §7.1: short, and readable on two devices at once. */
const bindingMessage = /^[\p{L}\p{N} .,:#+/_-]{1,64}$/u;

const scopeOf = (request: BackchannelAuthenticationRequest): string => String(request.scope ?? '');

/** OpenID CIBA Core 1.0, poll and ping: the person answers on our approval page. */
export const backchannelAuthentication = ({ approvals, accountOf, clock }: CibaDeps): Ciba => ({
  enabled: true,
  deliveryModes: ['poll', 'ping'],
  validateBindingMessage: (_ctx, message) => {
    if (message !== undefined && !bindingMessage.test(message)) {
      throw new errors.InvalidBindingMessage('binding_message must be at most 64 letters, digits, spaces and .,:#+/_-');
    }
  },
  validateRequestContext: (_ctx, context) => {
    if (context !== undefined) throw new errors.InvalidRequest('request_context is not supported');
  },
  // §7.1: a hint token is for deployments that issue such tokens; we issue none.
  processLoginHintToken: () => {
    throw new errors.InvalidRequest('login_hint_token is not supported, use login_hint or id_token_hint');
  },
  processLoginHint: (_ctx, hint) => (hint === undefined ? undefined : accountOf(hint)),
  verifyUserCode: (_ctx, _account, userCode) => {
    if (userCode !== undefined) throw new errors.InvalidRequest('user_code is not supported');
  },
  triggerAuthenticationDevice: async (_ctx, request, { accountId }, client) => {
    const { binding_message: message } = request.params ?? {};
    const shown = typeof message === 'string' ? message : undefined;
    const { clientId, clientName = clientId } = client;
    const id = await approvals.request({
      accountId,
      clientId,
      clientName,
      authReqId: request.jti,
      bindingMessage: shown,
      scope: scopeOf(request),
      expiresAt: new Date(clock.now().getTime() + request.expiration * 1000),
    });
    if (id === undefined) throw new errors.AccessDenied('too many requests wait for this person');
  },
});
