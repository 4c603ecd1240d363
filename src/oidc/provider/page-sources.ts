import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { errors as shared } from '../../platform/errors/index.ts';
import { errors as own } from '../errors.ts';
import type { ProtocolLimits } from '../limits/service.ts';
import type { ClientView } from '../surface.ts';
import { clientViewOf } from './client-view.ts';
import type { DeviceProblem, ProtocolPages } from './pages.ts';

type Features = NonNullable<Configuration['features']>;
type DeviceFlow = NonNullable<Features['deviceFlow']>;
type Logout = NonNullable<Features['rpInitiatedLogout']>;

const stateOf = (ctx: KoaContextWithOIDC): { secret: string; postLogoutRedirectUri?: string } => {
  const state = ctx.oidc.session?.state as { secret: string; postLogoutRedirectUri?: string } | undefined;
  if (!state) throw new errors.InvalidRequest('the form has expired');
  return state;
};

/**
 * Whoever answers without a session that we keep came without the cookie, or too late. A session of now would replace, in a request
 * from another site, the one that the browser has; the core fails on saving it.
 * @throws csrf_refused, interaction_not_found
 */
const requireKept = ({ oidc: { session, route } }: KoaContextWithOIDC): void => {
  if (!session || session.exp !== undefined) return;
  Object.assign(session, { touched: false });
  throw route === 'code_verification' ? shared.csrf_refused() : own.interaction_not_found();
};

const requestingClient = (ctx: KoaContextWithOIDC): ClientView | undefined => ctx.oidc.client && clientViewOf(ctx.oidc.client);

const problems: Record<string, DeviceProblem> = {
  NoCodeError: 'missing',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'denied',
};

const problemOf = (error: Error | undefined): DeviceProblem | undefined => error && (problems[error.name] ?? 'failed');

/**
 * For the form of a refused code the core makes a new secret after it has written the session, so that no second try could pass. The
 * one that came with the code is the session's still: it was checked before the code was.
 */
const formSecret = (ctx: KoaContextWithOIDC, problem: DeviceProblem | undefined): string => {
  const sent = ctx.oidc.params?.xsrf;
  return problem !== undefined && problem !== 'failed' && typeof sent === 'string' ? sent : stateOf(ctx).secret;
};

export const deviceFlow = (pages: ProtocolPages, limits: Pick<ProtocolLimits, 'userCodeFailed'>): DeviceFlow => ({
  enabled: true,
  charset: 'base-20',
  mask: '****-****',
  deviceInfo: (ctx) => ({ ip: ctx.info.ip, userAgent: ctx.info.userAgent }),
  userCodeInputSource: async (ctx, _form, _out, error) => {
    if (error) requireKept(ctx);
    if (problemOf(error) === 'unknown') await limits.userCodeFailed(ctx.info.ip);
    const { userCode } = (error ?? {}) as { userCode?: string };
    const problem = problemOf(error);
    const xsrf = formSecret(ctx, problem);
    await pages.deviceInput(ctx, { action: ctx.oidc.urlFor('code_verification'), xsrf, userCode, problem });
  },
  userCodeConfirmSource: async (ctx, _form, client, device, userCode) => {
    await pages.deviceConfirm(ctx, {
      action: ctx.oidc.urlFor('code_verification'),
      xsrf: stateOf(ctx).secret,
      userCode,
      client: clientViewOf(client),
      device,
    });
  },
  successSource: async (ctx) => {
    const client = requestingClient(ctx);
    if (client) await pages.deviceDone(ctx, client);
  },
});

export const rpInitiatedLogout = (pages: ProtocolPages): Logout => ({
  enabled: true,
  logoutSource: async (ctx) => {
    const { secret, postLogoutRedirectUri } = stateOf(ctx);
    await pages.logout(ctx, {
      action: ctx.oidc.urlFor('end_session_confirm'),
      xsrf: secret,
      client: requestingClient(ctx),
      accountId: ctx.oidc.session?.accountId,
      redirectUri: postLogoutRedirectUri,
    });
  },
  postLogoutSuccessSource: async (ctx) => {
    await pages.loggedOut(ctx, requestingClient(ctx));
  },
});

/** RU-04: what must not redirect is told on a page. */
export const renderError =
  (pages: ProtocolPages): NonNullable<Configuration['renderError']> =>
  async (ctx, out) => {
    await pages.error(ctx, { status: ctx.status, error: out.error, description: out.error_description });
  };
