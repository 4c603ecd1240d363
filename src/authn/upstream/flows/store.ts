import { type Envelope, sha256 } from '../../../platform/crypto/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import type { FlowKind, UpstreamFlowRepository } from './repository.ts';

/** Seconds that each kind waits: at a provider, for a decision, for the application that comes back at once. */
const seconds: Record<FlowKind, number> = { start: 600, page: 300, connect: 1200, link: 600, exchange: 60 };

export interface Place {
  kind: FlowKind;
  /** What its holder brings: state, name of the sign-in, session, code. */
  key: string;
  /** What the browser holds (SO-03); the key itself where another cookie binds it. */
  browser: string;
}

export interface Waiting<Content> {
  provider: string;
  content: Content;
}

const idOf = ({ kind, key }: Place): string => sha256(`upstream ${kind} ${key}`);
const holderOf = (place: Place) => ({ id: idOf(place), kind: place.kind, browserHash: sha256(place.browser) });

/** What waits between two requests of a browser, sealed: it names people and holds what a sign-in is checked by. */
export const createFlowStore = ({
  flows,
  envelope,
  clock,
}: {
  flows: UpstreamFlowRepository;
  envelope: Pick<Envelope, 'seal' | 'open'>;
  clock: Clock;
}) => {
  const contextOf = (id: string): string => `upstream-flow:${id}`;
  const opened = <Content>(
    row: { id: string; provider: string; content_sealed: string } | undefined,
  ): Waiting<Content> | undefined =>
    row && { provider: row.provider, content: JSON.parse(envelope.open(row.content_sealed, contextOf(row.id))) as Content };
  return {
    put: async (place: Place, provider: string, content: unknown): Promise<void> => {
      const now = clock.now();
      const { id, kind, browserHash } = holderOf(place);
      await flows.put({
        id,
        kind,
        provider,
        browser_hash: browserHash,
        content_sealed: envelope.seal(JSON.stringify(content), contextOf(id)),
        created_at: now,
        expires_at: new Date(now.getTime() + seconds[kind] * 1000),
      });
    },
    /** Once. @param provider that answered */
    take: async <Content>(place: Place, provider?: string): Promise<Waiting<Content> | undefined> =>
      opened<Content>(await flows.take(holderOf(place), clock.now(), provider)),
    peek: async <Content>(place: Place): Promise<Waiting<Content> | undefined> =>
      opened<Content>(await flows.peek(holderOf(place), clock.now())),
  };
};

export type FlowStore = ReturnType<typeof createFlowStore>;
