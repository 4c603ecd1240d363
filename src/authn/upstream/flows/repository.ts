import type { Knex } from 'knex';

/**
 * `start`: somebody is away at a provider. `page`: they came back to a hosted sign-in. `connect`: who they are is to be joined to the
 * account that signs in next. `link`: to the account that is signed in, once it says so. `exchange`: a sign-in that waits for its
 * application.
 */
export type FlowKind = 'start' | 'page' | 'connect' | 'link' | 'exchange';

export interface UpstreamFlowRow {
  id: string;
  kind: FlowKind;
  provider: string;
  browser_hash: string;
  content_sealed: string;
  created_at: Date;
  expires_at: Date;
}

export interface FlowHolder {
  id: string;
  kind: FlowKind;
  browserHash: string;
}

export interface UpstreamFlowRepository {
  /** What waits in the same place is replaced. */
  put(row: UpstreamFlowRow): Promise<void>;
  /** SO-03: once, and only for the browser that has it. @param provider that answered (SO-05) */
  take(holder: FlowHolder, now: Date, provider?: string): Promise<UpstreamFlowRow | undefined>;
  peek(holder: FlowHolder, now: Date): Promise<UpstreamFlowRow | undefined>;
}

export const createUpstreamFlowRepository = (db: Knex): UpstreamFlowRepository => {
  const held = ({ id, kind, browserHash }: FlowHolder, now: Date) =>
    db('upstream_flows').where({ id, kind, browser_hash: browserHash }).andWhere('expires_at', '>', now);
  return {
    put: async (row) => void (await db('upstream_flows').insert(row).onConflict('id').merge()),
    take: async (holder, now, provider) => {
      const mine = held(holder, now);
      if (provider !== undefined) mine.andWhere({ provider });
      const [row] = await mine.delete().returning('*');
      return row;
    },
    peek: (holder, now) => held(holder, now).first(),
  };
};
