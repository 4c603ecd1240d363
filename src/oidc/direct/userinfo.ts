import type { Client, FindAccount, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { DirectRoute } from '../../platform/http/index.ts';
import { settingsOf } from '../provider/client-view.ts';
import type { LivingTokens } from './living.ts';
import { opaqueBearer } from './presented.ts';

export interface DirectUserinfoDeps {
  provider(): Provider;
  findClient(clientId: string): Promise<Client | undefined>;
  living: LivingTokens;
  findAccount: FindAccount;
}

interface Granted {
  openid?: { scope?: string };
  rejected?: object;
}

interface ClaimsMask {
  scope(value: string): ClaimsMask;
  result(): Promise<Record<string, unknown>>;
}

type ClaimsClass = new (available: object, about: { ctx: unknown }) => ClaimsMask;

const ciba = 'urn:openid:params:grant-type:ciba';

/** Signed or encrypted answers, and those that FAPI 1.0 heads, are the core's. */
const isAnsweredPlainly = (client: Client): boolean =>
  client.userinfoSignedResponseAlg === undefined &&
  client.userinfoEncryptedResponseAlg === undefined &&
  settingsOf(client).profile === undefined &&
  !client.grantTypeAllowed(ciba);

const isPlain = (payload: Record<string, unknown>): boolean =>
  ['jkt', 'x5t#S256', 'rar', 'aud', 'claims'].every((name) => payload[name] === undefined);

/** What the token may tell of all that was granted; `undefined` where something was refused, or no one signed in. */
const scopeOf = ({ openid, rejected = {} }: Granted, tokenScope: string | undefined): string | undefined => {
  const asked = new Set(tokenScope?.split(' '));
  if (!asked.has('openid') || Object.keys(rejected).length > 0) return undefined;
  return (openid?.scope ?? '')
    .split(' ')
    .filter((name) => asked.has(name))
    .join(' ');
};

/** OpenID Connect Core §5.3 for a living opaque token that asks for claims by scope alone. */
export const createDirectUserinfo = ({
  provider,
  findClient,
  living,
  findAccount,
}: DirectUserinfoDeps): DirectRoute['answer'] => {
  const claimsOf = async (client: Client, accountId: string, scope: string): Promise<Record<string, unknown>> => {
    const ctx = { oidc: { client, entities: {} } } as unknown as KoaContextWithOIDC;
    const account = await findAccount(ctx, accountId);
    const available = { ...(await account?.claims('userinfo', scope, {}, [])), sub: accountId };
    const { Claims } = provider() as unknown as { Claims: ClaimsClass };
    return await new Claims(available, { ctx }).scope(scope).result();
  };

  return async ({ headers }) => {
    const token = opaqueBearer(headers.authorization);
    const found = token === undefined ? undefined : await living.find(['AccessToken'], token);
    if (!found?.grant || !found.row.accountId || !isPlain(found.row.payload)) return undefined;
    const scope = scopeOf(found.grant.payload, found.payload.scope);
    const client = scope === undefined ? undefined : await findClient(found.payload.clientId);
    if (scope === undefined || !client || !isAnsweredPlainly(client)) return undefined;
    return { body: await claimsOf(client, found.row.accountId, scope) };
  };
};
