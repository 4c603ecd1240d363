import { uuidv7 } from '../../platform/crypto/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import type { Actor, AuditEvent, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { Ending, Transaction, TransactionalSinks } from '../ports.ts';
import { createRevocationRepository, type Revocation } from './repository.ts';

export interface RevocationDeps {
  database: Database;
  clock: Clock;
  sinks: Pick<TransactionalSinks, 'audit'>;
  /** Device rows, grants and logout tokens of sessions that are over. */
  endSessions(sessionUids: readonly string[], ending: Ending): Promise<void>;
  /** Codes, grants and tokens of a client, and its moment. */
  endClientTokens(trx: Transaction, clientId: string): Promise<void>;
}

export interface RevocationWish {
  /** Absent: everything that anybody was given. */
  organizationId?: string | undefined;
  actor: Actor;
  clientId?: string | undefined;
  reason?: string | undefined;
}

const batch = 200;
/** Batches that a caller waits for; the job does the rest. */
const promptBatches = 5;

const eventOf = ({ actor, clientId, organizationId, reason }: RevocationWish): AuditEvent => ({
  type: 'oidc.tokens_revoked',
  outcome: 'success',
  actor,
  clientId,
  organizationId,
  reason,
  ...(organizationId === undefined ? {} : { target: { type: 'organization', id: organizationId } }),
  details: { scope: organizationId === undefined ? 'everything' : 'organization' },
});

/** TK-10: everything issued before now is dead, of everybody or of one organization. */
export const createRevocations = ({ database, clock, sinks, endSessions, endClientTokens }: RevocationDeps) => {
  const organizationIn = async (trx: Transaction, organizationId: string, now: Date): Promise<void> => {
    await setTenants(trx, 'all');
    const revocations = createRevocationRepository(trx);
    if (!(await revocations.setOrganizationMoment(organizationId, now))) throw errors.revocation_scope_unknown();
    await revocations.setMemberMoments(organizationId, now);
    for (const clientId of await revocations.clientsOf(organizationId)) await endClientTokens(trx, clientId);
  };

  /**
   * The moment commits with the caller's change, and every replica asks for it with each token. Sessions that died are told to be over
   * by `settle` afterwards.
   * @throws revocation_scope_unknown
   */
  const revokeIn = async (trx: Transaction, wish: RevocationWish): Promise<Revocation> => {
    const revocations = createRevocationRepository(trx);
    const { organizationId } = wish;
    // RC-11: a sign-in under way is written before the moment or judged by it.
    if (organizationId === undefined) await revocations.holdSignIns();
    const now = clock.now();
    if (organizationId !== undefined) await organizationIn(trx, organizationId, now);
    const revocation = { id: uuidv7(now), organizationId, revokedBefore: now };
    await revocations.insert(revocation);
    await sinks.audit(trx).record(eventOf(wish));
    return revocation;
  };

  const settleOne = async (revocation: Revocation, batches: number, signal?: AbortSignal): Promise<void> => {
    const revocations = createRevocationRepository(database.knex);
    for (let done = 0; done < batches && !signal?.aborted; done += 1) {
      const dead = await revocations.deadSessions(revocation, batch);
      await endSessions(dead, { cause: 'revoked', actor: { type: 'system' } });
      if (dead.length < batch) return await revocations.finish(revocation.id, clock.now());
    }
  };

  return {
    revokeIn,
    revoke: async (wish: RevocationWish): Promise<Revocation> => {
      const revocation = await database.transaction((trx) => revokeIn(trx, wish));
      await settleOne(revocation, promptBatches);
      return revocation;
    },
    /** The job: ends, one batch after the other, what revocations of before have left dead. */
    settle: async (signal: AbortSignal): Promise<void> => {
      for (const revocation of await createRevocationRepository(database.knex).unfinished()) {
        await settleOne(revocation, Number.POSITIVE_INFINITY, signal);
      }
    },
  };
};

export type Revocations = ReturnType<typeof createRevocations>;
