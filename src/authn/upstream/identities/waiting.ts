import { randomSecret } from '../../../platform/crypto/index.ts';
import type { SignInOutcome } from '../../signin/outcome.ts';
import type { UpstreamPerson } from '../dialects/dialect.ts';
import type { FlowStore, Place } from '../flows/store.ts';
import type { Registry } from '../providers/registry.ts';
import type { Arrival, ConnectReason } from './service.ts';

interface Exchange {
  challenge: string;
  outcome: SignInOutcome;
}

interface Connecting {
  person: UpstreamPerson;
  reason: ConnectReason;
}

export interface ConnectingArrival extends Arrival {
  reason: ConnectReason;
}

/** Dates were written as text. */
const revived = (outcome: SignInOutcome): SignInOutcome => {
  if (outcome.kind === 'authenticated') return { ...outcome, authTime: new Date(outcome.authTime) };
  return outcome.kind === 'locked' ? { ...outcome, until: new Date(outcome.until) } : outcome;
};

const pagePlace = (uid: string): Place => ({ kind: 'page', key: uid, browser: uid });
const connectPlace = (uid: string): Place => ({ kind: 'connect', key: uid, browser: uid });
/** SO-08: for this account in this session, and nobody else's. */
const linkPlace = (session: string, accountId: string): Place => ({ kind: 'link', key: session, browser: accountId });
const exchangePlace = (code: string): Place => ({ kind: 'exchange', key: code, browser: code });

/** Who came back from a provider, until the next request of the same browser says what becomes of it. */
export const createWaitingPeople = ({ store, registry }: { store: FlowStore; registry: Pick<Registry, 'find'> }) => {
  /** With the provider as it is now: one that was switched off meanwhile speaks for nobody. */
  const arrivalOf = async <Content extends { person: UpstreamPerson }>(
    found: { provider: string; content: Content } | undefined,
  ): Promise<(Arrival & Content) | undefined> => {
    const provider = found && (await registry.find(found.provider));
    return provider && { ...found.content, provider };
  };

  return {
    /** @param uid of the hosted sign-in, which its own cookie binds to the browser */
    keepForPage: (uid: string, { provider, person }: Arrival): Promise<void> =>
      store.put(pagePlace(uid), provider.name, { person }),
    takeForPage: async (uid: string): Promise<Arrival | undefined> => arrivalOf(await store.take(pagePlace(uid))),

    /** To be joined to whatever account the hosted sign-in ends with. */
    keepToConnect: (uid: string, { provider, person }: Arrival, reason: ConnectReason): Promise<void> =>
      store.put(connectPlace(uid), provider.name, { person, reason } satisfies Connecting),
    connecting: async (uid: string): Promise<ConnectingArrival | undefined> =>
      arrivalOf<Connecting>(await store.peek(connectPlace(uid))),
    takeToConnect: async (uid: string): Promise<ConnectingArrival | undefined> =>
      arrivalOf<Connecting>(await store.take(connectPlace(uid))),

    /** To be confirmed by the account that is signed in (SO-07). */
    keepToLink: (session: string, accountId: string, { provider, person }: Arrival): Promise<void> =>
      store.put(linkPlace(session, accountId), provider.name, { person }),
    linking: async (session: string, accountId: string): Promise<Arrival | undefined> =>
      arrivalOf(await store.peek(linkPlace(session, accountId))),
    takeToLink: async (session: string, accountId: string): Promise<Arrival | undefined> =>
      arrivalOf(await store.take(linkPlace(session, accountId))),

    /** @returns a code, good once and for a minute, for whoever knows what the challenge was made of */
    keepForExchange: async (provider: string, exchange: Exchange): Promise<string> => {
      const code = randomSecret();
      await store.put(exchangePlace(code), provider, exchange);
      return code;
    },
    takeForExchange: async (code: string): Promise<Exchange | undefined> => {
      const kept = (await store.take<Exchange>(exchangePlace(code)))?.content;
      return kept && { ...kept, outcome: revived(kept.outcome) };
    },
  };
};

export type WaitingPeople = ReturnType<typeof createWaitingPeople>;
