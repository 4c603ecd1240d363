import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { createBatcher, createTableCopy, type Database } from '../../platform/db/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import { createPasswordRepository } from '../passwords/repository.ts';
import { canonicalIdentifier } from './identifier.ts';
import {
  type AccountRepository,
  type AccountRow,
  createAccountRepository,
  type IdentifierRow,
  type ListedAccount,
  type NewIdentifier,
} from './repository.ts';

export interface Account {
  id: string;
  status: string;
  /** OpenID Connect standard claims. */
  claims: Record<string, unknown>;
}

/** A new account, with claims by their OpenID Connect names. */
export interface AccountWish {
  /** Absent: nobody has proven one; the person is known by an upstream identity. */
  email?: string | undefined;
  emailVerified: boolean;
  /** Absent: the account has another way in. */
  passwordHash?: string | undefined;
  claims: Record<string, unknown>;
  /** Where it comes from; a person who signs up is the actor of the event. */
  source: 'bootstrap' | 'registration' | 'invitation' | 'operator' | 'upstream' | 'administrator';
  /** Who made it, where that is neither the person nor the system. */
  actor?: Actor | undefined;
  /** `pending`: it waits for an administrator. */
  status?: 'active' | 'pending' | undefined;
}

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export type Alongside = (trx: Transaction, id: string) => Promise<void>;

/** Another transaction took the address meanwhile. */
class IdentifierTaken extends Error {}

export interface AccountDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
}

const identifierClaims = (identifiers: readonly IdentifierRow[]): Record<string, unknown> => {
  const primary = (type: IdentifierRow['type']): IdentifierRow | undefined =>
    identifiers.find((one) => one.type === type && one.is_primary) ?? identifiers.find((one) => one.type === type);
  const [email, phone, username] = (['email', 'phone', 'username'] as const).map(primary);
  return {
    ...(email && { email: email.value, email_verified: email.verified_at !== null }),
    ...(phone && { phone_number: phone.value, phone_number_verified: phone.verified_at !== null }),
    ...(username && { preferred_username: username.value }),
  };
};

/** What OpenID Connect may tell of a person, as it is stored. */
export const claimsOfRow = ({
  updated_at: updatedAt,
  claims,
  identifiers,
}: Pick<AccountRow, 'updated_at' | 'claims' | 'identifiers'>): Record<string, unknown> => ({
  ...claims,
  updated_at: Math.floor(updatedAt.getTime() / 1000),
  ...identifierClaims(identifiers),
});

const accountOf = (row: AccountRow): Account => ({ id: row.id, status: row.status, claims: claimsOfRow(row) });

/** Claims that come from identifiers or from the account itself, never from the profile. */
const notProfile = new Set(['sub', 'email', 'email_verified', 'phone_number', 'phone_number_verified', 'updated_at']);

const identifiersOf = ({ email, emailVerified, claims }: AccountWish, now: Date): NewIdentifier[] => {
  const one = (type: IdentifierRow['type'], value: unknown, isVerified: boolean) =>
    typeof value === 'string' && value !== ''
      ? [
          {
            type,
            value,
            canonical: canonicalIdentifier(value),
            verified_at: isVerified ? now : null,
            is_primary: true,
            // An address signs up unproven; a number counts once it is proven.
            login_allowed: isVerified || type === 'email',
          },
        ]
      : [];
  return [...one('email', email, emailVerified), ...one('phone', claims.phone_number, claims.phone_number_verified === true)];
};

const profileOf = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !notProfile.has(name)));

/** Who made the account: the person, the system, or whom the wish names. */
const makerOf = ({ source, actor }: AccountWish, id: string): Actor => {
  const isOwn = source === 'registration' || source === 'invitation' || source === 'upstream';
  return actor ?? (isOwn ? { type: 'user', id } : { type: 'system' });
};

const insertIdentifiers = async (accounts: AccountRepository, id: string, wish: AccountWish, now: Date): Promise<void> => {
  for (const identifier of identifiersOf(wish, now)) {
    if (!(await accounts.insertIdentifier(id, uuidv7(now), identifier, now))) throw new IdentifierTaken();
  }
};

export const createAccounts = ({ database, clock, audit }: AccountDeps) => {
  const repository = createAccountRepository(database.knex);
  // Userinfo reads claims with each request: those that are in flight together share a statement (PERFORMANCE.md, rows 5 and 9).
  const read = createBatcher(
    async (ids: readonly string[]) => {
      const found = new Map((await repository.findAll(ids)).map((row) => [row.id, row]));
      return ids.map((id) => found.get(id.toLowerCase()));
    },
    { maxInFlight: database.engine === 'embedded' ? 1 : 2, maxItems: 100 },
  );
  const copy = createTableCopy<AccountRow>(database, { tables: ['users', 'user_profiles', 'identifiers'], maxEntries: 5000 });

  const insert = (wish: AccountWish, alongside?: Alongside): Promise<string | undefined> =>
    database.transaction(async (trx) => {
      const accounts = createAccountRepository(trx);
      const now = clock.now();
      if (wish.email !== undefined && (await accounts.idOf(canonicalIdentifier(wish.email)))) return undefined;
      const id = uuidv7(now);
      await accounts.insertUser(id, wish.status ?? 'active', now);
      await insertIdentifiers(accounts, id, wish, now);
      if (wish.passwordHash !== undefined) await accounts.setPasswordHash(id, wish.passwordHash, now);
      await accounts.setClaims(id, profileOf(wish.claims), now);
      const { source } = wish;
      const actor = makerOf(wish, id);
      await audit(trx).record({ type: 'identity.user_created', outcome: 'success', actor, subjectId: id, details: { source } });
      await alongside?.(trx, id);
      return id;
    });

  return {
    find: async (id: string): Promise<Account | undefined> => {
      // One that is none would fail the statement for all that share it.
      const row = isUuid(id) ? await copy.get(id, () => read(id)) : undefined;
      return row && accountOf(row);
    },
    /** By what is typed as a login name, in one statement whether or not anybody has it (PW-05). */
    findByLogin: async (login: string): Promise<Account | undefined> => {
      const row = await repository.findByLogin(canonicalIdentifier(login));
      return row && accountOf(row);
    },
    /** Whose login name it is. */
    idOf: (login: string): Promise<string | undefined> => repository.idOf(canonicalIdentifier(login)),
    passwordHash: (id: string): Promise<string | undefined> => repository.passwordHash(id),
    /** The present one and those that may not come back, newest first. */
    passwordHashes: (id: string): Promise<string[]> => repository.passwordHashes(id),
    /** The same password hashed again, with today's parameters; nothing where it has been changed meanwhile. */
    renewPasswordHash: (id: string, before: string, hash: string): Promise<void> =>
      repository.renewPasswordHash(id, before, hash),
    /** @param alongside ends other sessions in the same transaction; runs first, since it holds the account (RC-11) */
    changePassword: (
      id: string,
      hash: string,
      alongside?: (trx: Transaction) => Promise<void>,
      actor: Actor = { type: 'user', id },
    ): Promise<void> =>
      database.transaction(async (trx) => {
        await alongside?.(trx);
        await createPasswordRepository(trx).replace(id, hash, clock.now());
        await audit(trx).record({ type: 'authn.password.changed', outcome: 'success', actor, subjectId: id });
      }),
    /** For operators, newest first. @param search part of an address or user name */
    list: (search: string | undefined, limit: number): Promise<ListedAccount[]> => repository.list(search, limit),
    isEmpty: (): Promise<boolean> => repository.isEmpty(),
    /**
     * @param alongside what belongs to the new account, in the same transaction
     * @returns the account's id, or `undefined` when the address is taken
     */
    create: async (wish: AccountWish, alongside?: Alongside): Promise<string | undefined> => {
      try {
        return await insert(wish, alongside);
      } catch (error) {
        if (error instanceof IdentifierTaken) return undefined;
        throw error;
      }
    },
  };
};

export type Accounts = ReturnType<typeof createAccounts>;
