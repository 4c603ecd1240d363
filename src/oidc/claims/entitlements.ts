/** What a person holds, as claims (FEATURES P8): names, formats and how large they may get. */
import type { EntitlementSource, Entitlements, ResourceClaim, ResourceSource } from '../ports.ts';

/** Claims of this kind in ID tokens and userinfo, with what they say. */
export const entitlementClaims = {
  roles: ({ roles }: Entitlements) => roles,
  permissions: ({ permissions }: Entitlements) => permissions,
  groups: ({ groups }: Entitlements) => groups,
  organizations: ({ organizations }: Entitlements) => organizations,
  /** Their ids alone. */
  org: ({ organizations }: Entitlements) => organizations.map(({ id }) => id),
} as const;

export const entitlementNames = Object.keys(entitlementClaims);

export const claimsOf = (held: Entitlements): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entitlementClaims).map(([name, read]) => [name, read(held)]));

/** Names the claims that were too large for a token; whoever needs them asks userinfo, or introspection. */
export const overflowClaim = 'claims_overflow';

/** Of all such claims of one token together; browsers and proxies stop at headers of 8 KB. */
const maxTokenClaimBytes = 4096;

/** The largest go first until the rest fits. */
export const capped = (claims: Record<string, unknown>): Record<string, unknown> => {
  const sizes = Object.entries(claims).map(([name, value]) => ({ name, bytes: Buffer.byteLength(JSON.stringify(value) ?? '') }));
  sizes.sort((a, b) => b.bytes - a.bytes);
  let total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const dropped: string[] = [];
  for (const { name, bytes } of sizes) {
    if (total <= maxTokenClaimBytes) break;
    dropped.push(name);
    total -= bytes;
  }
  if (dropped.length === 0) return claims;
  const kept = Object.entries(claims).filter(([name]) => !dropped.includes(name));
  return { ...Object.fromEntries(kept), [overflowClaim]: dropped.sort() };
};

const defaultNames: Record<ResourceClaim['source'], string> = {
  roles: 'roles',
  permissions: 'permissions',
  groups: 'groups',
  organizations: 'org',
};

export const nameOfClaim = ({ source, claim }: ResourceClaim): string => claim ?? defaultNames[source];

const valuesOf = ({ source, only }: ResourceClaim, held: Entitlements): string[] => {
  if (source === 'organizations') return held.organizations.map(({ id }) => id);
  const values = held[source];
  if (source !== 'permissions' || only === undefined) return values;
  const resources = new Set([...only, '*']);
  return values.filter((name) => resources.has(name.slice(0, name.indexOf(':'))));
};

const formatted = (wanted: ResourceClaim, held: Entitlements): unknown => {
  if (wanted.format === 'objects') return held.organizations;
  const values = valuesOf(wanted, held);
  return wanted.format === 'text' ? values.join(' ') : values;
};

/** What tokens for a resource tell of a person, as it is now; whole: who puts it into a token caps it. */
export const createResourceClaims =
  (resources: Pick<ResourceSource, 'find'>, entitlements: EntitlementSource) =>
  async (audience: string | undefined, accountId: string | undefined): Promise<Record<string, unknown> | undefined> => {
    if (audience === undefined || accountId === undefined) return undefined;
    const wanted = (await resources.find(audience))?.accessTokenClaims ?? [];
    if (wanted.length === 0) return undefined;
    const held = await entitlements.entitlementsOf(accountId);
    return Object.fromEntries(wanted.map((one) => [nameOfClaim(one), formatted(one, held)]));
  };

export type ResourceClaims = ReturnType<typeof createResourceClaims>;
