import type { Account, Identifier, IdentifierType } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import type { Asker, AskOutcome, RecoveryUnit } from '../recovery/unit.ts';
import type { Presented } from '../tickets/service.ts';
import type { IdentifierDeps } from './deps.ts';
import { createIdentifierLetters } from './letters.ts';
import { createPrimaries } from './primaries.ts';
import { type IdentifierView, mostOf, type Typed, typedAs, viewOfIdentifier } from './shape.ts';
import { createPhoneUndo } from './undo.ts';

export type AddOutcome =
  | AskOutcome
  /** A user name needs no proof. */
  | { kind: 'added'; identifier: IdentifierView }
  | { kind: 'invalid' };

export type ConfirmOutcome = { kind: 'confirmed'; identifier: IdentifierView } | { kind: 'gone' | 'code_needed' | 'code_wrong' };

const proven = ['email', 'phone'] as const;
export type ProvenType = (typeof proven)[number];

/** A person's own identifiers (FEATURES A3): each but the user name counts once a code or link has shown that it is theirs. */
export const createIdentifiers = (deps: IdentifierDeps) => {
  const { accounts, identifiers, tickets, throttle, clock, site } = deps;
  const { inRecovery } = site;
  const letters = createIdentifierLetters({ issuer: site.issuer, tickets });

  const accountOf = async (accountId: string): Promise<Account> => {
    const account = await accounts.find(accountId);
    if (!account) throw errors.identifier_not_found();
    return account;
  };

  /** @throws identifier_limit_reached, identifier_not_offered, identifier_unproven */
  const requireRoom = async (account: Account, type: IdentifierType, { canonical }: Typed): Promise<void> => {
    if (type === 'phone' && !site.isTextingOffered()) throw errors.identifier_not_offered();
    // SO-02: who has not shown that the account's address is theirs hangs nothing else on it.
    if (account.claims.email !== undefined && account.claims.email_verified !== true) throw errors.identifier_unproven();
    const others = (await identifiers.list(account.id)).filter((one) => one.type === type && one.canonical !== canonical);
    if (type !== 'username' && others.length >= mostOf[type]) throw errors.identifier_limit_reached();
  };

  const record = async (unit: RecoveryUnit, account: Account, row: Identifier): Promise<IdentifierView> => {
    const { type, value } = row;
    const about = { outcome: 'success', actor: { type: 'user', id: account.id }, subjectId: account.id } as const;
    await unit.audit.record({ type: 'identity.identifier_added', ...about, details: { type } });
    await letters.tell(unit, account, { change: 'added', type, value });
    return viewOfIdentifier(row);
  };

  const rowOf = (type: IdentifierType, { value, canonical }: Typed, isFirst: boolean): Identifier => {
    const now = clock.now();
    const verified = type === 'username' ? null : now;
    return {
      id: uuidv7(now),
      type,
      value,
      canonical,
      verified_at: verified,
      is_primary: isFirst,
      login_allowed: true,
      created_at: now,
    };
  };

  /** Taken, looking like another's and reserved have one answer: whose a name is, is nobody's business. @throws identifier_unusable */
  const setUserName = (account: Account, name: Typed): Promise<AddOutcome> =>
    inRecovery(async (unit) => {
      await unit.identifiers.hold(account.id);
      const before = (await unit.identifiers.list(account.id)).filter(({ type }) => type === 'username');
      for (const { id } of before) await unit.identifiers.remove(account.id, id);
      const row = rowOf('username', name, true);
      const isMine = !name.isReserved && !(await unit.identifiers.isTaken('username', name.canonical, name.skeleton));
      if (!isMine || !(await unit.identifiers.insert(account.id, { ...row, skeleton: name.skeleton })))
        throw errors.identifier_unusable();
      return { kind: 'added', identifier: await record(unit, account, row) };
    });

  /** Somebody else's address or number gets no code, and the answer is the same. */
  const ask = async (account: Account, type: ProvenType, typed: Typed, asker: Asker): Promise<AddOutcome> => {
    const own = (await identifiers.list(account.id)).find((one) => one.type === type && one.canonical === typed.canonical);
    // Whoever has it learns nothing new, and needs no code.
    if (own?.verified_at) return { kind: 'added', identifier: viewOfIdentifier(own) };
    // PW-05: the same work whoever has it.
    const [isTaken, mayMail] = [await identifiers.isTaken(type, typed.canonical), await throttle.mayMail(typed.canonical)];
    const isOwed = mayMail && (own !== undefined || !isTaken);
    const proof = { accountId: account.id, address: typed.value, isOwed };
    return inRecovery(async (unit) => {
      const { flow, shown, expiresAt } = await (type === 'email' ? letters.proveMail : letters.provePhone)(unit, proof, asker);
      return { kind: 'asked' as const, flow, shown, expiresAt };
    });
  };

  const store = async (unit: RecoveryUnit, account: Account, type: ProvenType, typed: Typed): Promise<ConfirmOutcome> => {
    await unit.identifiers.hold(account.id);
    const own = (await unit.identifiers.list(account.id)).filter((one) => one.type === type);
    const known = own.find(({ canonical }) => canonical === typed.canonical);
    const isFirst = !own.some(({ is_primary: isPrimary }) => isPrimary);
    const row = known ? { ...known, verified_at: clock.now(), login_allowed: true } : rowOf(type, typed, isFirst);
    if (known) await unit.identifiers.markVerified(account.id, known.id, clock.now());
    // Somebody was quicker, or always had it.
    else if (own.length >= mostOf[type] || !(await unit.identifiers.insert(account.id, row))) return { kind: 'gone' };
    return { kind: 'confirmed', identifier: await record(unit, account, row) };
  };

  /** @param asked whose it must be, where somebody is signed in */
  const confirm = async (type: ProvenType, presented: Presented, asked?: string): Promise<ConfirmOutcome> => {
    const outcome = await tickets.prove(`add-${type}`, presented);
    if (outcome.kind !== 'proven') return outcome;
    const { id, user_id: accountId, address } = outcome.ticket;
    const typed = typedAs[type](address ?? '');
    if (accountId === null || !typed || (asked !== undefined && asked !== accountId)) return { kind: 'gone' };
    const account = await accountOf(accountId);
    return inRecovery(
      async (unit): Promise<ConfirmOutcome> =>
        (await unit.tickets.spend(id, clock.now())) ? store(unit, account, type, typed) : { kind: 'gone' },
    );
  };

  return {
    isTextingOffered: site.isTextingOffered,
    list: async (accountId: string): Promise<IdentifierView[]> => (await identifiers.list(accountId)).map(viewOfIdentifier),
    /**
     * @param accountId who signed in recently (RS-07): the caller sees to that
     * @throws identifier_limit_reached, identifier_not_offered, identifier_unproven, identifier_unusable
     */
    add: async (accountId: string, type: IdentifierType, value: string, asker: Asker): Promise<AddOutcome> => {
      const typed = typedAs[type](value);
      if (!typed) return { kind: 'invalid' };
      const account = await accountOf(accountId);
      await requireRoom(account, type, typed);
      const until = (await throttle.networkStop(asker.ip)) ?? (await throttle.accountStop(accountId));
      if (until) return { kind: 'limited', until };
      return type === 'username' ? setUserName(account, typed) : ask(account, type, typed, asker);
    },
    confirm,
    look: (presented: Presented) => tickets.look('add-email', presented),
    ...createPrimaries({ ...deps, letters, accountOf }),
    ...createPhoneUndo(deps),
  };
};

export type Identifiers = ReturnType<typeof createIdentifiers>;
