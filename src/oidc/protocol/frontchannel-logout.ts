import type { Context } from 'koa';
import type { Client, Provider, Session } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** Metadata names of OpenID Connect Front-Channel Logout 1.0 §2, for `extraClientMetadata`. */
export const frontchannelMetadata = ['frontchannel_logout_uri', 'frontchannel_logout_session_required'] as const;

interface FrontchannelDeps {
  provider: Provider;
  /** Path of `POST …/confirm`. */
  confirmPath: string;
  /** Loads every frame, then leads on. */
  render(ctx: Context, page: { frames: readonly string[]; continueTo: string }): void;
}

/** §2: the client is told who and which session. */
const frameOf = (client: Client, issuer: string, sid: string): string | undefined => {
  const registered: unknown = client.frontchannel_logout_uri;
  if (typeof registered !== 'string') return undefined;
  const url = new URL(registered);
  url.searchParams.set('iss', issuer);
  url.searchParams.set('sid', sid);
  return url.href;
};

/**
 * The core dropped front-channel logout: the clients of the session are read before the core ends it, and its redirect becomes a
 * page that loads their addresses first.
 */
export const frontchannelLogout = ({ provider, confirmPath, render }: FrontchannelDeps): Middleware => {
  // §3: the ID token has the sid that the frame will name; the core asks the client whether it wants one.
  const { prototype } = provider.Client;
  const wantsSid = prototype.includeSid;
  prototype.includeSid = function includeSid(this: Client) {
    return wantsSid.call(this) || this.frontchannel_logout_session_required === true;
  };

  const framesOf = async (session: Session): Promise<string[]> => {
    const clientIds = Object.keys(session.authorizations ?? {});
    const frames = await Promise.all(
      clientIds.map(async (clientId) => {
        const client = await provider.Client.find(clientId).catch(() => undefined);
        return client && frameOf(client, provider.issuer, String(session.sidFor(clientId)));
      }),
    );
    return frames.filter((frame) => frame !== undefined);
  };

  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== confirmPath) return await next();
    const frames = await framesOf(await provider.Session.get(ctx));
    await next();
    const continueTo = ctx.response.get('Location');
    const hasEnded = ctx.oidc?.params?.logout !== undefined;
    if (frames.length === 0 || !hasEnded || ctx.status < 300 || ctx.status > 399 || !continueTo) return;
    ctx.remove('Location');
    render(ctx, { frames, continueTo });
    const origins = [...new Set(frames.map((frame) => new URL(frame).origin))];
    ctx.set('Content-Security-Policy', `${ctx.response.get('Content-Security-Policy')}; frame-src ${origins.join(' ')}`);
  };
};
