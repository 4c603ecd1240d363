import type { ClientView } from '../oidc/index.ts';

/** The application as every page names it: never by more than it was registered with. */
export interface ApplicationView {
  name: string;
  host: string | undefined;
  verified: boolean;
  logoUri: string | undefined;
  policyUri: string | undefined;
  tosUri: string | undefined;
  /** `#rrggbb` */
  accent: string | undefined;
}

const urlOf = (address: unknown): URL | undefined =>
  typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;

/** RU-01: an address of the registration becomes a link only when it is a web address. */
const webAddress = (address: string | undefined): string | undefined => {
  const url = urlOf(address);
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.href : undefined;
};

/** @param returnAddress where the person will be sent; its host is what cannot be made up */
export const viewOfClient = (client: ClientView, returnAddress?: unknown): ApplicationView => {
  const url = urlOf(returnAddress) ?? urlOf(client.clientUri);
  return {
    name: client.name,
    host: url?.host || undefined,
    verified: client.isVerified || client.isFirstParty,
    logoUri: webAddress(client.logoUri),
    policyUri: webAddress(client.policyUri),
    tosUri: webAddress(client.tosUri),
    // What goes into a style sheet is looked at once more.
    accent: /^#[\da-f]{6}$/i.test(client.accentColor ?? '') ? client.accentColor : undefined,
  };
};

/** Source expression of CSP `form-action` for the place where a sign-in ends. */
export const formTargetOf = (address: unknown): string | undefined => {
  const url = urlOf(address);
  if (url === undefined) return undefined;
  return /^https?:$/.test(url.protocol) ? url.origin : url.protocol;
};
