import type { Knex } from 'knex';
import type { Level } from '../../platform/assurance/index.ts';

/** `enrol`: no sign-in, but a code that confirms an address or phone. */
export type FlowChannel = 'api' | 'page' | 'enrol';

/** What has to happen before a factor counts: the mailbox is proven, then a factor is set up. `confirmation`: the mailbox is all. */
export type FlowStage = 'mailbox' | 'enrolment' | 'confirmation' | null;

export interface FlowRow {
  id: string;
  user_id: string;
  channel: FlowChannel;
  client_id: string | null;
  amr: string[];
  authenticated_at: Date;
  level: Level;
  needed_level: Level;
  stage: FlowStage;
  code_method: 'email' | 'sms' | null;
  code_hash: string | null;
  code_tries: number;
  code_expires_at: Date | null;
  expires_at: Date;
}

export interface FlowRepository {
  /** A sign-in that starts again in the same place replaces the one before. */
  put(flow: Omit<FlowRow, 'code_method' | 'code_hash' | 'code_tries' | 'code_expires_at'>, now: Date): Promise<void>;
  find(id: string, channel: FlowChannel, now: Date): Promise<FlowRow | undefined>;
  /** MF-03: a sign-in under way ends once. */
  end(id: string): Promise<boolean>;
  /** All of a person: at a change of factors or password. */
  endAll(userId: string): Promise<void>;
  /** What was proven grows. */
  prove(id: string, proof: { amr: readonly string[]; level: Level; authenticatedAt: Date; stage: FlowStage }): Promise<boolean>;
  /** A code that was sent; the one before is worthless. */
  setCode(id: string, code: { method: 'email' | 'sms'; hash: string; expiresAt: Date }): Promise<void>;
  /** RS-12: counts a try at the code before it is compared. @returns the digest, while tries are left */
  tryCode(id: string, maxTries: number, now: Date): Promise<{ hash: string; method: 'email' | 'sms' } | undefined>;
  spendCode(id: string, hash: string): Promise<boolean>;
}

export const createFlowRepository = (db: Knex): FlowRepository => ({
  put: async ({ amr, ...flow }, now) => {
    const row = { ...flow, amr: JSON.stringify(amr), created_at: now, code_hash: null, code_method: null, code_tries: 0 };
    await db('authentication_flows').insert(row).onConflict('id').merge();
  },
  find: (id, channel, now) => db('authentication_flows').where({ id, channel }).andWhere('expires_at', '>', now).first(),
  end: async (id) => (await db('authentication_flows').where({ id }).delete()) === 1,
  endAll: async (userId) => void (await db('authentication_flows').where({ user_id: userId }).delete()),
  prove: async (id, { amr, level, authenticatedAt, stage }) => {
    const change = { amr: JSON.stringify(amr), level, authenticated_at: authenticatedAt, stage };
    return (await db('authentication_flows').where({ id }).update(change)) === 1;
  },
  setCode: async (id, { method, hash, expiresAt }) => {
    const code = { code_method: method, code_hash: hash, code_tries: 0, code_expires_at: expiresAt };
    await db('authentication_flows').where({ id }).update(code);
  },
  tryCode: async (id, maxTries, now) => {
    const [row] = await db('authentication_flows')
      .where({ id })
      .whereNotNull('code_hash')
      .andWhere('code_tries', '<', maxTries)
      .andWhere('code_expires_at', '>', now)
      .increment('code_tries', 1)
      .returning(['code_hash', 'code_method']);
    return row && { hash: row.code_hash, method: row.code_method };
  },
  spendCode: async (id, hash) =>
    (await db('authentication_flows').where({ id, code_hash: hash }).update({ code_hash: null })) === 1,
});
