import type { ClientView, InteractionDetails } from '../oidc/index.ts';
import { webAddress } from './addresses.ts';

/** Whose sign-in it is, as pages show it: the organization's name, picture and colour (TN-06: looked at once more). */
export interface HouseView {
  name: string;
  logoUri: string | undefined;
  /** `#rrggbb` */
  accent: string | undefined;
}

export const colorOf = (color: string | undefined): string | undefined =>
  /^#[\da-f]{6}$/i.test(color ?? '') ? color : undefined;

export const viewOfHouse = (brand: ClientView['brand']): HouseView | undefined =>
  brand && { name: brand.name, logoUri: webAddress(brand.logoUri), accent: colorOf(brand.accentColor) };

export interface Houses {
  /** By id or slug. */
  named(reference: string): Promise<ClientView['brand']>;
  /** Of somebody who is a member of one organization and no other. */
  ofPerson(accountId: string): Promise<ClientView['brand']>;
}

/** The application's organization; else the one that the request names, else that of who is signed in. */
export const houseOf = async (
  { client, params, accountId }: InteractionDetails,
  houses: Houses,
): Promise<HouseView | undefined> => {
  if (client.brand) return viewOfHouse(client.brand);
  const { organization } = params;
  const isNamed = typeof organization === 'string' && /^[a-z0-9-]{1,63}$/i.test(organization);
  const named = isNamed ? await houses.named(organization) : undefined;
  return viewOfHouse(named ?? (accountId === undefined ? undefined : await houses.ofPerson(accountId)));
};
