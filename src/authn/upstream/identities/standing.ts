import { canonicalIdentifier } from '../../../identity/index.ts';
import type { UpstreamPerson } from '../dialects/dialect.ts';
import type { Provider } from '../providers/provider.ts';

/**
 * What a provider's word about an address is worth here (SO-01).
 * `none`: there is no address. `claimed`: it may be anybody's. `verified`: the provider has seen to it, at some time, that it was
 * this person's. `authoritative`: the provider runs the address, or the operator says that its word is enough.
 */
export type Standing = 'none' | 'claimed' | 'verified' | 'authoritative';

const domainOf = (email: string): string => canonicalIdentifier(email).split('@')[1] ?? '';

const isTrustedFor = (domains: readonly string[], email: string): boolean =>
  domains.includes('*') || domains.some((domain) => domain.toLowerCase() === domainOf(email));

/** https://developers.google.com/identity/gsi/web/guides/verify-google-id-token: of which addresses Google is the authority. */
const isGoogleOwn = (email: string, hostedDomain: string | undefined): boolean =>
  ['gmail.com', 'googlemail.com', ...(hostedDomain === undefined ? [] : [hostedDomain.toLowerCase()])].includes(domainOf(email));

export const standingOf = (
  { kind, trustedDomains }: Pick<Provider, 'kind' | 'trustedDomains'>,
  { email, emailVerified, hostedDomain }: Pick<UpstreamPerson, 'email' | 'emailVerified' | 'hostedDomain'>,
): Standing => {
  if (email === undefined) return 'none';
  if (!emailVerified) return 'claimed';
  if (isTrustedFor(trustedDomains, email)) return 'authoritative';
  if (kind === 'google') return isGoogleOwn(email, hostedDomain) ? 'authoritative' : 'verified';
  return kind === 'github' ? 'verified' : 'claimed';
};
