import { randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Actor, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { TransactionalSinks } from '../ports.ts';
import { grantTypesOutside, openPolicy, type RegistrationPolicy } from '../protocol/registration-policy.ts';
import { createRegistrationTokenRepository, type TokenRow } from './repository.ts';
import type { NewTokenView, TokenInput, TokenView } from './schema.ts';

interface RegistrationTokenDeps {
  database: Database;
  clock: Clock;
  sinks: Pick<TransactionalSinks, 'audit'>;
}

const tokenBytes = 32;
const daySeconds = 86_400;

const viewOf = (row: TokenRow): TokenView => ({
  id: row.id,
  name: row.name,
  policy: row.policy as TokenView['policy'],
  usesLeft: row.uses_left,
  expiresAt: row.expires_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
});

/** Initial access tokens (RFC 7591 §1.2): live, limited in number and time, each with the policy of what it may register (CL-01). */
export const createRegistrationTokens = ({ database, clock, sinks }: RegistrationTokenDeps) => {
  const outside = createRegistrationTokenRepository(database.knex);
  return {
    list: async (limit: number, after: string | undefined): Promise<TokenView[]> =>
      (await outside.list(limit, after)).map(viewOf),

    /**
     * The token is in this answer and nowhere else; the database has its digest.
     * @throws registration_policy_invalid
     */
    create: (input: TokenInput, actor: Actor): Promise<NewTokenView> => {
      const { name, policy = {}, uses = 1, expiresInSeconds = daySeconds } = input;
      const unknown = grantTypesOutside(policy.grantTypes ?? []);
      if (unknown.length > 0) {
        const message = `${unknown.join(', ')} is no grant type`;
        throw errors.registration_policy_invalid({ errors: [{ path: '/policy/grantTypes', message }] });
      }
      return database.transaction(async (trx) => {
        const now = clock.now();
        const token = randomSecret(tokenBytes);
        const row: TokenRow = {
          id: uuidv7(now),
          name,
          token_hash: sha256(token),
          policy: { ...openPolicy, ...policy },
          uses_left: uses,
          expires_at: new Date(now.getTime() + expiresInSeconds * 1000),
          revoked_at: null,
          created_at: now,
        };
        await createRegistrationTokenRepository(trx).insert(row);
        const target = { type: 'registration_token', id: row.id };
        const details = { uses, expiresInSeconds };
        await sinks.audit(trx).record({ type: 'registration_token.created', outcome: 'success', actor, target, details });
        return { ...viewOf(row), token };
      });
    },

    /** What was registered with it stays. @throws registration_token_not_found */
    revoke: (id: string, actor: Actor): Promise<void> =>
      database.transaction(async (trx) => {
        if (!(await createRegistrationTokenRepository(trx).revoke(id, clock.now()))) throw errors.registration_token_not_found();
        const target = { type: 'registration_token', id };
        await sinks.audit(trx).record({ type: 'registration_token.revoked', outcome: 'success', actor, target });
      }),

    /** Seconds since the epoch at which a live token ends. */
    expiry: async (token: string): Promise<number | undefined> => {
      const row = await outside.live(sha256(token), clock.now());
      return row && Math.floor(row.expires_at.getTime() / 1000);
    },

    /** Takes one use. `undefined`: none left, or another request took the last. */
    spend: async (token: string): Promise<{ id: string; policy: RegistrationPolicy } | undefined> => {
      const row = await outside.spend(sha256(token), clock.now());
      return row && { id: row.id, policy: row.policy };
    },

    giveBack: (id: string): Promise<void> => outside.giveBack(id),
  };
};

export type RegistrationTokens = ReturnType<typeof createRegistrationTokens>;
