import type { Account, AccountClaims, FindAccount, KoaContextWithOIDC } from 'oidc-provider';
import type { AccountSource, ClientSettings, EntitlementSource } from '../ports.ts';
import { needsEntitlements, needsProfile, requestedClaims } from './scopes.ts';

export interface ClaimsDeps {
  accounts: AccountSource;
  entitlements: EntitlementSource;
  settingsOf(ctx: KoaContextWithOIDC): ClientSettings;
}

interface Request {
  use: string;
  scope: string;
  /** The library's own list of single claims; what is added to it passes its filter. */
  single: Record<string, unknown>;
}

/** ID tokens hold profile claims only where no userinfo answer could (OIDC Core §5.4: a token for a resource, or none at all). */
const scopeOfIdToken = (ctx: KoaContextWithOIDC, scope: string): string => {
  const { AccessToken: token } = ctx.oidc.entities;
  return token && token.aud === undefined ? 'openid' : scope;
};

/** Whether the account is active was decided when the session, code or token was read; claims are read only where asked for. */
export const createFindAccount = ({ accounts, entitlements, settingsOf }: ClaimsDeps): FindAccount => {
  const load = async (accountId: string, names: ReadonlySet<string>): Promise<Record<string, unknown>> => {
    const [account, held] = await Promise.all([
      needsProfile(names) ? accounts.find(accountId) : undefined,
      needsEntitlements(names) ? entitlements.entitlementsOf(accountId) : undefined,
    ]);
    return { ...account?.claims, ...held };
  };

  const claimsFor = async (ctx: KoaContextWithOIDC, accountId: string, request: Request): Promise<AccountClaims> => {
    const mapping = settingsOf(ctx).claims ?? {};
    const scope = request.use === 'id_token' ? scopeOfIdToken(ctx, request.scope) : request.scope;
    const names = requestedClaims(scope, [...Object.keys(request.single), ...Object.values(mapping)]);
    const available = await load(accountId, names);
    const mapped = Object.entries(mapping).map(([target, source]) => [target, available[source]] as const);
    for (const [target] of mapped) request.single[target] ??= null;
    return { ...available, ...Object.fromEntries(mapped), sub: accountId };
  };

  return (ctx, accountId): Account => ({
    accountId,
    claims: (use, scope, single) => claimsFor(ctx, accountId, { use, scope, single: single as Record<string, unknown> }),
  });
};
