import type { Arrival, ConnectReason, Upstream } from '../../authn/index.ts';
import type { MessageValues } from '../../platform/views/index.ts';

/** A button of a sign-in page. */
export interface Offer {
  name: string;
  displayName: string;
  kind: string;
  href: string;
}

/** Who waits to be joined to the account that signs in, in words a person recognizes (SO-08). */
export interface ConnectingView {
  provider: string;
  who: string | undefined;
  reason: ConnectReason;
}

/** What a sign-in page shows of other providers. */
export interface UpstreamView {
  offers: readonly Offer[];
  connecting?: ConnectingView | undefined;
  problem?: { key: string; values: MessageValues } | undefined;
}

export const viewOfArrival = ({ provider, person, reason }: Arrival & { reason: ConnectReason }): ConnectingView => ({
  provider: provider.displayName,
  who: person.email ?? person.name,
  reason,
});

const problems = new Set(['denied', 'unavailable', 'untrusted', 'refused', 'unknown', 'taken']);

/** A failed try, as the address that leads back tells it: nothing of the address itself is shown. */
export const problemOf = (query: Record<string, string>, offers: readonly { name: string; displayName: string }[]) => {
  const { failed, from } = query;
  if (failed === undefined || !problems.has(failed)) return undefined;
  const provider = offers.find(({ name }) => name === from)?.displayName;
  return provider === undefined ? { key: 'upstream.failed', values: {} } : { key: `upstream.${failed}`, values: { provider } };
};

/** The address that leads back to a page of ours after a failed try. */
export const failureAddress = (path: string, failed: string, from: string): string =>
  `${path}?${new URLSearchParams({ failed, from })}`;

/** @param accountId who is signed in already */
export const createOffers =
  (upstream: Pick<Upstream, 'offers' | 'offersOf'>) =>
  async (clientId: string, accountId: string | undefined, base: string): Promise<Offer[]> => {
    const offers = await upstream.offers(clientId);
    const known = accountId === undefined ? [] : await upstream.offersOf(accountId);
    const all = [...offers, ...known.filter(({ name }) => !offers.some((offer) => offer.name === name))];
    return all.map((offer) => ({ ...offer, href: `${base}/upstream/${offer.name}` }));
  };
