import type { ClientView } from '../oidc/index.ts';
import type { House } from '../platform/ports.ts';
import { urlOf, webAddress } from './addresses.ts';
import { colorOf, viewOfHouse } from './house.ts';

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
  /** The organization it belongs to. */
  house: House | undefined;
}

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
    accent: colorOf(client.accentColor),
    house: viewOfHouse(client.brand),
  };
};

/** What a page shows that is about one application, whatever the browser's last sign-in page looked like. */
export const shownAs = (client: ClientView, returnAddress?: unknown): { client: ApplicationView; house: House | undefined } => {
  const view = viewOfClient(client, returnAddress);
  return { client: view, house: view.house };
};

/** Source expression of CSP `form-action` for the place where a sign-in ends. */
export const formTargetOf = (address: unknown): string | undefined => {
  const url = urlOf(address);
  if (url === undefined) return undefined;
  return /^https?:$/.test(url.protocol) ? url.origin : url.protocol;
};
