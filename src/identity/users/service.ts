import { type Database, setTenants } from '../../platform/db/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AuditSink, Clock } from '../../platform/ports.ts';
import { canonicalIdentifier, isEmailAddress } from '../accounts/identifier.ts';
import type { Accounts } from '../accounts/service.ts';
import { errors } from '../errors.ts';
import { type Caller, organizationFor, type Rights, type Transaction } from '../tenancy/caller.ts';
import { createUserRepository, type UserFilter, type UserRecord, type UserRepository } from './repository.ts';
import type { Profile, UserChange, UserQuery, UserWish } from './schema.ts';
import { claimsOfProfile, withProfile } from './view.ts';

/** Somebody was asked by mail. */
export interface Invited {
  id: string;
  email: string;
  expires_at: Date;
}

export interface UserDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  rights: Rights;
  accounts: Pick<Accounts, 'create' | 'idOf'>;
  outside: UserOutside;
}

/** What other rooms do for an account that an administrator makes or ends. */
export interface UserOutside {
  /** The hash of a password that the rules of sign-up allow. @throws invalid_request, unavailable */
  hash(email: string, password: string, claims: Record<string, unknown>): Promise<string>;
  /** @throws invitations_closed */
  invite(wish: { email: string; organizationId?: string | undefined }, caller: Caller): Promise<Invited>;
  /** Sessions, grants, tokens and codes end in the transaction (TK-05). */
  end(trx: Transaction, userId: string, ending: { cause: string; actor: Caller['actor'] }): Promise<void>;
}

/** Whom the caller may change: who holds the right in an organization only reads there. */
export interface Editor extends Caller {
  selfId: string | undefined;
}

const nobody = '00000000-0000-0000-0000-000000000000';

export type Made = { kind: 'created'; user: UserRecord } | { kind: 'invited'; invited: Invited };

/** People as administrators keep them (FEATURES I1). An account belongs to the deployment, whichever organizations it is a member of. */
export const createUsers = ({ database, clock, audit, rights, accounts, outside }: UserDeps) => {
  const inWork = <Result>(caller: Caller, run: (users: UserRepository, trx: Transaction) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, caller.scope);
      return run(createUserRepository(trx), trx);
    });

  /** Oneself, or whom the scope shows. @throws account_not_found */
  const findIn = async (users: UserRepository, { scope, selfId }: Editor, id: string): Promise<UserRecord> => {
    const user = await users.find(id, id === selfId ? 'all' : scope);
    if (!user) throw errors.account_not_found();
    return user;
  };

  /** @throws account_not_found; permission_required for who may be read but belongs to the deployment */
  const findEditable = async (users: UserRepository, editor: Editor, id: string): Promise<UserRecord> => {
    const user = await findIn(users, editor, id);
    if (editor.scope === 'all' || editor.selfId === id) return user;
    const permission = 'user:update:any';
    throw shared.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  const invite = async ({ email, organizationId }: UserWish, caller: Caller, chosen: string | null): Promise<Made> => {
    const wish = { email, organizationId: chosen ?? organizationId };
    return { kind: 'invited', invited: await outside.invite(wish, caller) };
  };

  const insert = async (wish: UserWish, caller: Caller, organizationId: string | null): Promise<Made> => {
    const { email, password, name, profile = {} } = wish;
    const claims = claimsOfProfile({ ...profile, ...(name === undefined ? {} : { name }) });
    const passwordHash = password === undefined ? undefined : await outside.hash(email, password, claims);
    const source = { source: 'administrator', actor: caller.actor } as const;
    const id = await accounts.create(
      { email: email.normalize('NFKC').trim(), emailVerified: false, passwordHash, claims, ...source },
      async (trx, newId) => {
        await setTenants(trx, caller.scope);
        const users = createUserRepository(trx);
        if (organizationId === null) return;
        if (!(await users.organizationExists(organizationId)))
          throw shared.not_found({ detail: 'There is no such organization' });
        // What everybody holds with scope `organization` counts there from now on (AZ-04).
        await rights.change(trx, caller, { userIds: [newId] }, () => users.addToOrganization(newId, organizationId, clock.now()));
      },
    );
    if (id === undefined) throw errors.account_exists();
    return { kind: 'created', user: await inWork(caller, (users) => findIn(users, { ...caller, selfId: undefined }, id)) };
  };

  /** Whether the caller may see who has the address (CONTRACT.md). */
  const isSeen = async (email: string, caller: Caller): Promise<boolean> => {
    // Looked for whether or not somebody has it: the answer takes the same time (TN-03).
    const ownerId = (await accounts.idOf(email)) ?? nobody;
    return (await inWork(caller, (users) => users.find(ownerId, caller.scope))) !== undefined;
  };

  const change = (
    editor: Editor,
    id: string,
    match: (version: number) => void,
    next: (user: UserRecord, stored: Record<string, unknown>) => Record<string, unknown>,
  ): Promise<UserRecord> =>
    inWork(editor, async (users, trx) => {
      const before = await findEditable(users, editor, id);
      match((await users.lock(id)) ?? 0);
      const stored = await users.profile(id);
      const claims = next(before, stored);
      const fields = [...new Set([...Object.keys(stored), ...Object.keys(claims)])].filter(
        (name) => JSON.stringify(stored[name]) !== JSON.stringify(claims[name]),
      );
      await users.setProfile(id, claims, clock.now());
      const about = { outcome: 'success', actor: editor.actor, subjectId: id, details: { fields } } as const;
      await audit(trx).record({ type: 'identity.profile_updated', ...about });
      // Policies look at claims.
      await rights.forget(trx, `user:${id}`);
      return findIn(users, editor, id);
    });

  const named = (claims: Record<string, unknown>, name: string | null | undefined): Record<string, unknown> => {
    if (name === undefined) return claims;
    const { name: _, ...others } = claims;
    return name === null ? others : { ...others, name };
  };

  return {
    list: (
      caller: Caller,
      { email, sort, search, ...query }: Omit<UserQuery, 'limit' | 'cursor'> & Pick<UserFilter, 'ids'>,
      limit: number,
      after: string | undefined,
    ): Promise<UserRecord[]> => {
      const filter: UserFilter = { ...query, search, isOldestFirst: sort === 'createdAt' };
      if (email !== undefined) filter.canonical = canonicalIdentifier(email);
      return inWork(caller, (users) => users.list(filter, caller.scope, limit, after));
    },
    /** @throws account_not_found */
    get: (editor: Editor, id: string): Promise<UserRecord> => inWork(editor, (users) => findIn(users, editor, id)),
    /**
     * Who acts for an organization invites, whoever has the address: so nobody learns of accounts elsewhere (TN-03).
     * @throws account_exists, invalid_request, not_found, invitations_closed
     */
    create: async (wish: UserWish, caller: Caller): Promise<Made> => {
      const organizationId = organizationFor(caller, wish.organizationId);
      if (!isEmailAddress(wish.email))
        throw shared.invalid_request({ errors: [{ path: '/email', message: 'is not an e-mail address that can be used here' }] });
      if (await isSeen(wish.email, caller)) throw errors.account_exists();
      return caller.scope !== 'all' || wish.invite === true
        ? invite(wish, caller, organizationId)
        : insert(wish, caller, organizationId);
    },
    /**
     * What is not named stays.
     * @param match throws when the version is not the caller's
     * @throws account_not_found, permission_required, account_address_is_owners
     */
    update: (editor: Editor, id: string, wish: UserChange, match: (version: number) => void): Promise<UserRecord> =>
      change(editor, id, match, ({ identifiers }, stored) => {
        const { email, name, profile } = wish;
        const own = identifiers.find((one) => one.type === 'email' && one.is_primary)?.value ?? '';
        if (email !== undefined && canonicalIdentifier(email) !== canonicalIdentifier(own))
          throw errors.account_address_is_owners();
        return named(profile === undefined ? stored : withProfile(stored, profile), name);
      }),
    /** Replaces the profile. @throws account_not_found, permission_required */
    setProfile: (editor: Editor, id: string, profile: Profile, match: (version: number) => void): Promise<UserRecord> =>
      change(editor, id, match, (_, stored) => withProfile(stored, profile)),
    /** The account and all that hangs on it; audit events keep its id (AU-07). @throws account_not_found, grant_not_yours, last_super_admin */
    remove: (caller: Caller, id: string, reason: string | undefined): Promise<void> =>
      inWork(caller, async (users, trx) => {
        await findIn(users, { ...caller, selfId: undefined }, id);
        await rights.change(trx, caller, { userIds: [id] }, async () => {
          const { actor } = caller;
          await outside.end(trx, id, { cause: 'deleted', actor });
          if (!(await users.remove(id))) throw errors.account_not_found();
          await audit(trx).record({ type: 'identity.user_deleted', outcome: 'success', actor, subjectId: id, reason });
        });
      }),
  };
};

export type Users = ReturnType<typeof createUsers>;
