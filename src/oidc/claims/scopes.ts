import { entitlementNames } from './entitlements.ts';

/** OpenID Connect Core 1.0 §5.4, and scopes of our own for what a person holds here. */
export const claimsByScope = {
  openid: ['sub'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  roles: ['roles'],
  permissions: ['permissions'],
  groups: ['groups'],
  organizations: ['organizations', 'org'],
} as const;

/** Scopes that are the provider's own; all others belong to resources. */
export const coreScopes: readonly string[] = [
  'openid',
  'offline_access',
  ...Object.keys(claimsByScope).filter((scope) => scope !== 'openid'),
];

/** Claims about the sign-in itself, given without a scope. */
export const protocolClaims = ['acr', 'amr', 'auth_time', 'iss', 'sid'] as const;

/** Claim names that a scope string or single requests ask for. */
export const requestedClaims = (scope: string, single: readonly string[]): ReadonlySet<string> => {
  const byScope = scope.split(' ').flatMap((name) => claimsByScope[name as keyof typeof claimsByScope] ?? []);
  return new Set<string>([...byScope, ...single]);
};

export const needsProfile = (names: ReadonlySet<string>): boolean => {
  const known = new Set<string>(['sub', ...protocolClaims, ...entitlementNames]);
  return [...names].some((name) => !known.has(name));
};

export const needsEntitlements = (names: ReadonlySet<string>): boolean => entitlementNames.some((name) => names.has(name));

const personal = new Set<string>([
  ...claimsByScope.profile,
  ...claimsByScope.email,
  ...claimsByScope.phone,
  ...claimsByScope.address,
]);

/** Guarded by a scope that the person is asked for. */
export const isPersonal = (claim: string): boolean => personal.has(claim);
