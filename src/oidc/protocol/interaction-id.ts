import { randomUUID } from 'node:crypto';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { settingsOf } from '../provider/client-view.ts';

type Middleware = Parameters<Provider['use']>[0];

const header = 'x-fapi-interaction-id';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ciba = 'urn:openid:params:grant-type:ciba';

/** FAPI 1.0 Baseline §6.2.1 (11), which FAPI-CIBA takes over: the resource gives the client's id of the interaction back, or makes one. */
export const interactionId: Middleware = async (ctx, next) => {
  const given = ctx.get(header);
  if (uuid.test(given)) ctx.set(header, given);
  await next();
  const { client } = (ctx as Partial<KoaContextWithOIDC>).oidc ?? {};
  if (!client || uuid.test(given)) return;
  if (settingsOf(client).profile === 'fapi1' || client.grantTypeAllowed(ciba)) ctx.set(header, randomUUID());
};
