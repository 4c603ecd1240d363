import type { Account, AccountClaims, FindAccount, KoaContextWithOIDC } from 'oidc-provider';
import type { AccountSource, ClientSettings, EntitlementSource } from '../ports.ts';
import { capped, claimsOf, entitlementNames, overflowClaim } from './entitlements.ts';
import { mappedClaims } from './mapped.ts';
import { isPersonal, needsEntitlements, needsProfile, requestedClaims } from './scopes.ts';

export interface ClaimsDeps {
  accounts: AccountSource;
  entitlements: EntitlementSource;
  settingsOf(ctx: KoaContextWithOIDC): ClientSettings;
}

interface Request {
  use: string;
  scope: string;
  /** Claims asked for one by one (OIDC Core §5.5). */
  single: Record<string, unknown>;
}

/** ID tokens hold profile claims only where no userinfo answer could (OIDC Core §5.4: a token for a resource, or none at all). */
const scopeOfIdToken = (ctx: KoaContextWithOIDC, scope: string): string => {
  const { AccessToken: token } = ctx.oidc.entities;
  return token && token.aud === undefined ? 'openid' : scope;
};

/** An ID token goes through headers and cookies; what is too large for it is at userinfo. */
const withinToken = (claims: Record<string, unknown>, names: ReadonlySet<string>, mapped: Record<string, unknown>) => {
  const own = Object.fromEntries(Object.entries(claims).filter(([name]) => entitlementNames.includes(name) && names.has(name)));
  const fitting = capped({ ...own, ...mapped });
  const { [overflowClaim]: overflow } = fitting;
  if (overflow === undefined) return { claims, mapped };
  const dropped = overflow as string[];
  const without = (all: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !dropped.includes(name)));
  return { claims: without(claims), mapped: { ...without(mapped), [overflowClaim]: dropped } };
};

/** Whether the account is active was decided when the session, code or token was read; claims are read only where asked for. */
export const createFindAccount = ({ accounts, entitlements, settingsOf }: ClaimsDeps): FindAccount => {
  const load = async (accountId: string, names: ReadonlySet<string>): Promise<Record<string, unknown>> => {
    const [account, held] = await Promise.all([
      needsProfile(names) ? accounts.find(accountId) : undefined,
      needsEntitlements(names) ? entitlements.entitlementsOf(accountId) : undefined,
    ]);
    return { ...account?.claims, ...(held && claimsOf(held)) };
  };

  /** §5.4: what a scope guards stays behind it under any name; the rest is the administrator's to give. */
  const mappingFor = (ctx: KoaContextWithOIDC, { scope, single }: Request): [target: string, source: string][] => {
    const granted = requestedClaims(scope, Object.keys(single));
    return Object.entries(settingsOf(ctx).claims ?? {}).filter(([, source]) => !isPersonal(source) || granted.has(source));
  };

  const claimsFor = async (ctx: KoaContextWithOIDC, accountId: string, request: Request): Promise<AccountClaims> => {
    const isIdToken = request.use === 'id_token';
    const mapping = mappingFor(ctx, request);
    const scope = isIdToken ? scopeOfIdToken(ctx, request.scope) : request.scope;
    const asked = requestedClaims(scope, Object.keys(request.single));
    const available = await load(accountId, new Set([...asked, ...mapping.map(([, source]) => source)]));
    const found = mapping.map(([target, source]) => [target, available[source]] as const);
    const mapped = Object.fromEntries(found.filter(([, value]) => value !== undefined));
    const told = isIdToken ? withinToken(available, asked, mapped) : { claims: available, mapped };
    return { ...told.claims, [mappedClaims]: told.mapped, sub: accountId } as AccountClaims;
  };

  return (ctx, accountId): Account => ({
    accountId,
    claims: (use, scope, single) => claimsFor(ctx, accountId, { use, scope, single: single as Record<string, unknown> }),
  });
};
