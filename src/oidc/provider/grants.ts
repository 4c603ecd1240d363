import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Consents } from '../consents/service.ts';
import { ownOf } from './client-view.ts';

type Allowed = Pick<Grant, 'openid' | 'resources'>;

const extend = (grant: Grant, { openid, resources }: Allowed): Grant => {
  if (openid?.scope) grant.addOIDCScope(openid.scope);
  if (openid?.claims?.length) grant.addOIDCClaims([...openid.claims]);
  for (const [resource, scope] of Object.entries(resources ?? {})) if (scope) grant.addResourceScope(resource, scope);
  return grant;
};

/** First-party clients that an administrator freed of consent get what they ask for (CO-08: third parties never do). */
const everythingAsked = (ctx: KoaContextWithOIDC): Allowed => {
  const { requestParamOIDCScopes, requestParamClaims, requestParamScopes, resourceServers } = ctx.oidc;
  const resources = Object.entries(resourceServers ?? {}).map(([resource, server]) => {
    const scopes = [...requestParamScopes].filter((scope) => server.scopes.has(scope));
    return [resource, scopes.join(' ')] as const;
  });
  return {
    openid: { scope: [...requestParamOIDCScopes].join(' '), claims: [...requestParamClaims] },
    resources: Object.fromEntries(resources),
  };
};

/**
 * The grant of this sign-in: the one the consent step made, the session's, or a new one out of remembered consent. Each session
 * has a grant of its own, so that ending one leaves the others alone.
 */
export const createLoadExistingGrant = (consents: Consents) => {
  const existingGrant = async ({ oidc }: KoaContextWithOIDC, clientId: string): Promise<Grant | undefined> => {
    const grantId = oidc.result?.consent?.grantId ?? oidc.session?.grantIdFor(clientId);
    return grantId === undefined ? undefined : await oidc.provider.Grant.find(grantId);
  };
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { account, client, provider } = ctx.oidc;
    if (!account || !client) return undefined;
    const { accountId } = account;
    const { clientId } = client;
    const { isFirstParty, settings } = ownOf(client);
    const isFree = isFirstParty && settings.skipConsent === true;
    const existing = await existingGrant(ctx, clientId);
    if (existing && !isFree) return existing;
    const allowed = isFree ? everythingAsked(ctx) : await consents.find(accountId, clientId);
    if (!allowed) return undefined;
    const grant = extend(existing ?? new provider.Grant({ accountId, clientId }), allowed);
    await grant.save();
    return grant;
  };
};
