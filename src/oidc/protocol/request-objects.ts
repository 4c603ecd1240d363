import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { settingsOf } from '../provider/client-view.ts';

type Check = NonNullable<NonNullable<NonNullable<Configuration['features']>['requestObjects']>['assertJwtClaimsAndHeader']>;
type Claims = Readonly<Record<string, unknown>>;

/** TK-03: seconds that a request object may live, and by which a clock may be ahead of ours. */
const longestSeconds = 3600;
const toleranceSeconds = 10;
const defaultWindowSeconds = 600;

interface RequestObjectDeps {
  /** PROFILE=conformance: the dynamic plan of the official suite signs request objects that have no times at all. */
  isTest: boolean;
}

/** Objects whose claims were looked at, until the core has checked the signature; only then their `jti` counts as used. */
const presented = new WeakMap<KoaContextWithOIDC, { jti: string; until: number }>();

const refuse = (message: string): never => {
  throw new errors.InvalidRequestObject(message);
};

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** What the core checks of times is that `exp` has not passed and `nbf` has come, where they are there. */
const checkTimes = ({ exp, nbf, iat }: Claims, needsEnd: boolean): void => {
  const now = nowSeconds();
  if (exp === undefined && needsEnd) refuse('the Request Object has no exp');
  const begin = [nbf, iat, now].find((time) => typeof time === 'number') ?? now;
  if (typeof exp === 'number' && exp > Math.min(begin, now) + longestSeconds + toleranceSeconds) {
    refuse(`the Request Object may live at most ${longestSeconds} seconds`);
  }
  for (const [name, time] of Object.entries({ nbf, iat })) {
    if (typeof time === 'number' && time > now + toleranceSeconds) refuse(`${name} of the Request Object lies ahead`);
  }
};

/** FAPI 1.0 Advanced §5.2.2 (13), (17), FAPI 2.0 Message Signing §5.3.1 (4), (5): `nbf`, and at most an hour from it to `exp`. */
const checkProfiled = ({ exp, nbf, aud }: Claims): void => {
  if (typeof exp !== 'number' || typeof nbf !== 'number' || aud === undefined)
    refuse('the Request Object needs exp, nbf and aud');
  const lifetime = Number(exp) - Number(nbf);
  if (lifetime <= 0 || lifetime > longestSeconds) refuse('exp of the Request Object is too far from its nbf');
};

/** CIBA Core §7.1.1; FAPI-CIBA §5.2.2 (4), (5): at most an hour between `nbf` and `exp`. */
const checkBackchannel = (claims: Claims): void => {
  for (const name of ['exp', 'iat', 'nbf', 'jti']) if (claims[name] === undefined) refuse(`the Request Object has no ${name}`);
  checkProfiled(claims);
};

/** OpenID Connect Core §3.1.2.1, §6.1: nothing beside the object counts, so its `redirect_uri` has to be in it; without one no redirect. */
const checkRedirect = ({ redirect_uri: address, scope }: Claims): void => {
  if (
    address !== undefined ||
    !String(scope ?? '')
      .split(' ')
      .includes('openid')
  )
    return;
  throw Object.assign(new errors.InvalidRequestObject('the Request Object has no redirect_uri'), { allow_redirect: false });
};

const remember = (ctx: KoaContextWithOIDC, { jti, exp }: Claims): void => {
  if (typeof jti !== 'string') return;
  presented.set(ctx, { jti, until: typeof exp === 'number' ? exp : nowSeconds() + defaultWindowSeconds });
};

/** CO-05, TK-03: what a request object says of its own life. A pushed one has been looked at when it was pushed. */
export const checkRequestObject =
  ({ isTest }: RequestObjectDeps): Check =>
  (ctx, claims, _header, client) => {
    if ('PushedAuthorizationRequest' in ctx.oidc.entities) return;
    const isProfiled = settingsOf(client).profile !== undefined;
    checkTimes(claims, isProfiled || !isTest);
    if (isProfiled) checkProfiled(claims);
    if (ctx.oidc.route === 'backchannel_authentication') checkBackchannel(claims);
    else if (ctx.oidc.route !== 'device_authorization') checkRedirect(claims);
    remember(ctx, claims);
  };

const references = new WeakSet<object>();
/** OpenID Connect Core §6.2: an object that lies at an address is there to be used again. */
export const markReference = (ctx: object): void => void references.add(ctx);

/**
 * CO-05: an object with a `jti` is good for one request; called behind the signature check, and not again when a sign-in resumes.
 */
export const spendRequestObject = async (ctx: KoaContextWithOIDC, client: Client): Promise<void> => {
  const object = presented.get(ctx);
  if (!object || references.has(ctx)) return;
  presented.delete(ctx);
  const isFirst = await ctx.oidc.provider.ReplayDetection.unique(`request-object ${client.clientId}`, object.jti, object.until);
  if (!isFirst) refuse('the Request Object was used before');
};
