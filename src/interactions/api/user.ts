import type { Static } from '@sinclair/typebox';
import type { Profile, UserView } from './schema.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Claims that have a member of their own in the answer, or are none of the profile. */
const apart = new Set(['sub', 'email', 'email_verified', 'name', 'updated_at']);

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A person as the API shows it: OpenID Connect claims by camelCase names. */
export const viewOfUser = (id: string, claims: Claims): Static<typeof UserView> => ({
  id,
  email: typeof claims.email === 'string' ? claims.email : null,
  emailVerified: claims.email_verified === true,
  name: typeof claims.name === 'string' ? claims.name : null,
  profile: Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) => (apart.has(name) ? [] : [[camel(name), value] as const])),
  ),
});

export const claimsOfProfile = (profile: Static<typeof Profile> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(profile).map(([name, value]) => [snake(name), value]));
