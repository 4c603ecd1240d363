import type { Profile, SaidProfile, UserView } from './schema.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Claims that have a member of their own in the answer, or are none of the profile. */
const apart = new Set(['sub', 'email', 'email_verified', 'name', 'updated_at']);

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const renamed = (value: unknown, rename: (name: string) => string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([name, part]) => [rename(name), part]))
    : value;

/** A person as the API shows it: OpenID Connect claims by camelCase names. */
export const viewOfClaims = (
  id: string,
  claims: Claims,
): Pick<UserView, 'id' | 'email' | 'emailVerified' | 'name' | 'profile'> => ({
  id,
  email: typeof claims.email === 'string' ? claims.email : null,
  emailVerified: claims.email_verified === true,
  name: typeof claims.name === 'string' ? claims.name : null,
  profile: Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) => (apart.has(name) ? [] : [[camel(name), renamed(value, camel)] as const])),
  ),
});

export const claimsOfProfile = (profile: SaidProfile | Profile = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(profile).map(([name, value]) => [snake(name), renamed(value, snake)]));

const settable = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'profile',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'picture',
  'address',
];

/** As it may be put back. */
export const profileOfClaims = (claims: Claims): Profile =>
  Object.fromEntries(
    settable.flatMap((name) => (claims[name] === undefined ? [] : [[camel(name), renamed(claims[name], camel)] as const])),
  );

/** The claims with this profile in place of the one before; what is no part of it stays. */
export const withProfile = (claims: Claims, profile: Profile): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(claims).filter(([name]) => !settable.includes(name))),
  ...claimsOfProfile(profile),
});
