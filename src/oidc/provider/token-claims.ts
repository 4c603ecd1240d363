/** Claims of access tokens beyond the core's own. */
import type { AccessToken, ClientCredentials } from 'oidc-provider';
import { capped, type ResourceClaims } from '../claims/entitlements.ts';
import { exchangedClaims } from '../protocol/token-exchange.ts';

const placesOf = (token: object): { audience: string | undefined; accountId: string | undefined } => {
  const { aud, accountId } = token as { aud?: unknown; accountId?: unknown };
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return { audience: text(aud), accountId: text(accountId) };
};

/** Into JWTs, within bounds; of an opaque token the same is told at introspection, as it is then. */
export const createExtraClaims =
  (resourceClaims: ResourceClaims) =>
  (_ctx: unknown, token: AccessToken | ClientCredentials): object | undefined | Promise<object | undefined> => {
    const exchanged = exchangedClaims(token);
    const { audience, accountId } = placesOf(token);
    const isJwt = token.resourceServer?.accessTokenFormat === 'jwt';
    if (!isJwt || audience === undefined || accountId === undefined) return exchanged;
    return resourceClaims(audience, accountId).then((claims) => (claims ? { ...capped(claims), ...exchanged } : exchanged));
  };

/** The core answers introspection out of what it read; this is added to it, and stored nowhere. */
export const tellCurrentClaims = async (resourceClaims: ResourceClaims, token: object): Promise<void> => {
  const { audience, accountId } = placesOf(token);
  const claims = await resourceClaims(audience, accountId);
  if (!claims) return;
  const told = token as { extra?: object };
  told.extra = { ...claims, ...told.extra };
};
