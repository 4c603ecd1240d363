import type { ClientView, InteractionDetails } from '../oidc/index.ts';
import { isUuid } from '../platform/crypto/index.ts';
import type { House } from '../platform/ports.ts';
import { webAddress } from './addresses.ts';

export const colorOf = (color: string | undefined): string | undefined =>
  /^#[\da-f]{6}$/i.test(color ?? '') ? color : undefined;

/** As pages and mails show it; what goes into an address or a style sheet is looked at once more (TN-06). */
export const viewOfHouse = (brand: ClientView['brand']): House | undefined =>
  brand && { organizationId: brand.id, name: brand.name, logoUri: webAddress(brand.logoUri), accent: colorOf(brand.accentColor) };

export interface Houses {
  /** By id or slug. */
  named(reference: string): Promise<ClientView['brand']>;
  /** Of somebody who is a member of one organization and no other; of several, of the preferred one if it is among them. */
  ofPerson(accountId: string, preferredId?: string): Promise<ClientView['brand']>;
  /** Of those that the person is a member of. */
  ofMember(accountId: string, slug: string): Promise<ClientView['brand']>;
}

/**
 * The organization that the request names: to anybody by its id, which nobody guesses; by its slug only to its members, since
 * guessed names would tell strangers who is a customer here.
 */
const namedBy = async ({ params, accountId }: InteractionDetails, houses: Houses): Promise<ClientView['brand']> => {
  const { organization } = params;
  if (typeof organization !== 'string') return undefined;
  if (isUuid(organization)) return houses.named(organization);
  const isSlug = /^[a-z0-9-]{1,63}$/i.test(organization);
  return isSlug && accountId !== undefined ? houses.ofMember(accountId, organization) : undefined;
};

/** Whose sign-in it is by the request: the application's organization, else the one that the request names. */
export const houseOfRequest = async (details: InteractionDetails, houses: Houses): Promise<House | undefined> =>
  viewOfHouse(details.client.brand ?? (await namedBy(details, houses)));

/** Else that of who is signed in. */
export const houseOfPerson = async (
  { accountId }: Pick<InteractionDetails, 'accountId'>,
  houses: Pick<Houses, 'ofPerson'>,
): Promise<House | undefined> => (accountId === undefined ? undefined : viewOfHouse(await houses.ofPerson(accountId)));
