import { type Accounts, canonicalIdentifier, isEmailAddress } from '../../../identity/index.ts';
import type { AuditBuffer, Clock, InTransaction } from '../../../platform/ports.ts';
import { isDomainWelcome, type RegistrationPolicy } from '../../registration/policy.ts';
import type { SignInOutcome } from '../../signin/outcome.ts';
import type { SignInPlace } from '../../signin/place.ts';
import type { SignIn } from '../../signin/service.ts';
import type { UpstreamPerson } from '../dialects/dialect.ts';
import { isUpstreamTwofold } from '../dialects/oidc.ts';
import type { Provider } from '../providers/provider.ts';
import type { AddressOwner, IdentityRepository } from './repository.ts';
import { type Standing, standingOf } from './standing.ts';
import { IdentityTaken, type IdentityUnit, keyOf, type LinkedBy, linkIn, surrenderIn } from './unit.ts';

/** RFC 8176 has no name for it. */
export const federatedAmr = 'urn:castellan:amr:federated';

/** Why a person whom a provider vouches for has to do something here first. */
export type ConnectReason =
  /** The provider told no address, or none that it vouches for: it may be anybody's (SO-01). */
  | 'address_missing'
  | 'address_unproven'
  /** Somebody here has proven the address, and the provider is not its authority. */
  | 'address_taken'
  /** Nobody new is let in this way. */
  | 'sign_up_closed';

export type UpstreamOutcome = SignInOutcome | { kind: 'connect'; reason: ConnectReason };

type Found = { accountId: string } | { reason: ConnectReason };

/** One answer of a provider: who answered, and whom it named. */
export interface Arrival {
  provider: Provider;
  person: UpstreamPerson;
}

export interface IdentityDeps {
  accounts: Pick<Accounts, 'create'>;
  identities: IdentityRepository;
  inTransaction: InTransaction<IdentityUnit>;
  /** Repositories in a transaction that another service opened. */
  bind(trx: Parameters<NonNullable<Parameters<Accounts['create']>[1]>>[0]): IdentityUnit;
  signIn: { conclude: SignIn['conclude']; isActive(accountId: string): Promise<boolean> };
  surroundings: {
    clock: Clock;
    audit: AuditBuffer;
    /** The rules of every sign-up (A3). */
    signUp: { isOpen: boolean; policy: RegistrationPolicy };
    attempted(method: string, outcome: string): void;
  };
}

/** Whose account an upstream identity is, or becomes (FEATURES A5, SO-01 to SO-06). */
export const createUpstreamSignIn = ({ accounts, identities, inTransaction, bind, signIn, surroundings }: IdentityDeps) => {
  const { clock, audit, signUp, attempted } = surroundings;

  const enter = async ({ provider, person }: Arrival, accountId: string, place: SignInPlace): Promise<SignInOutcome> => {
    // SO-06.
    if (!(await signIn.isActive(accountId))) return { kind: 'refused' };
    const isTwofold = provider.trustsFactors && isUpstreamTwofold(person);
    const proof = isTwofold ? ({ level: 2, amr: [federatedAmr, 'mfa'] } as const) : ({ level: 1, amr: [federatedAmr] } as const);
    return signIn.conclude({ accountId, method: provider.kind, authTime: clock.now(), ...proof }, place);
  };

  const mayCreate = ({ provider }: Arrival): boolean => signUp.isOpen && provider.allowsSignUp;

  /** Where only some domains may come, an address of one has to be shown. */
  const isWelcome = (email: string | undefined): boolean =>
    email === undefined ? signUp.policy.allowedDomains.length === 0 : isDomainWelcome(email, signUp.policy);

  /** @returns `undefined` when the address was taken meanwhile. @throws IdentityTaken */
  const create = (arrival: Arrival, email: string | undefined): Promise<string | undefined> => {
    const { claims } = arrival.person;
    const wish = {
      ...(email === undefined ? {} : { email }),
      emailVerified: email !== undefined,
      claims,
      source: 'upstream',
      status: signUp.policy.needsApproval ? 'pending' : 'active',
    } as const;
    return accounts.create(wish, (trx, id) => linkIn(bind(trx), id, { ...arrival, how: 'sign-up', now: clock.now() }));
  };

  const join = (accountId: string, arrival: Arrival, how: LinkedBy): Promise<void> =>
    inTransaction((unit) => linkIn(unit, accountId, { ...arrival, how, now: clock.now() }));

  /** The owner, whose row is held from now on. `undefined`: nobody has the address, or it changed hands meanwhile. */
  const held = async ({ identities: bound }: IdentityUnit, canonical: string): Promise<AddressOwner | undefined> => {
    const before = await bound.addressOwner(canonical);
    if (!before) return undefined;
    await bound.lock(before.userId);
    const owner = await bound.addressOwner(canonical);
    return owner?.userId === before.userId ? owner : undefined;
  };

  /** @throws IdentityTaken */
  const enterOwned = async (unit: IdentityUnit, owner: AddressOwner, arrival: Arrival, standing: Standing): Promise<Found> => {
    const { userId: accountId, isProven, isActive } = owner;
    if (isProven && standing !== 'authoritative') return { reason: 'address_taken' };
    if (!isActive) return { accountId };
    const now = clock.now();
    if (!isProven) await surrenderIn(unit, owner, arrival.provider, now);
    await linkIn(unit, accountId, { ...arrival, how: 'address', now });
    return { accountId };
  };

  /** Somebody may have the address already: whether their account may be entered. @throws IdentityTaken */
  const meet = (arrival: Arrival, standing: Standing, email: string): Promise<Found | undefined> =>
    inTransaction(async (unit): Promise<Found | undefined> => {
      const owner = await held(unit, canonicalIdentifier(email));
      return owner && (await enterOwned(unit, owner, arrival, standing));
    });

  const usableAddress = ({ person }: Arrival): string | undefined => {
    const email = person.email?.normalize('NFKC').trim();
    return email !== undefined && isEmailAddress(email) ? email : undefined;
  };

  const createWith = async (arrival: Arrival, email: string): Promise<Found | undefined> => {
    if (!mayCreate(arrival) || !isWelcome(email)) return { reason: 'sign_up_closed' };
    const accountId = await create(arrival, email);
    return accountId === undefined ? undefined : { accountId };
  };

  const arrive = async (arrival: Arrival): Promise<Found | undefined> => {
    const known = await identities.use(keyOf(arrival.provider, arrival.person), clock.now());
    if (known !== undefined) return { accountId: known };
    const email = usableAddress(arrival);
    const standing = standingOf(arrival.provider, { ...arrival.person, email });
    if (email === undefined) return { reason: 'address_missing' };
    if (standing === 'claimed') return { reason: 'address_unproven' };
    return (await meet(arrival, standing, email)) ?? (await createWith(arrival, email));
  };

  /** Of two at once (two tabs, a sign-up beside it) one is first; the other looks again. */
  const again = async <Result>(work: () => Promise<Result | undefined>): Promise<Result | undefined> => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        const result = await work();
        if (result !== undefined) return result;
      } catch (error) {
        if (!(error instanceof IdentityTaken)) throw error;
      }
    }
    return undefined;
  };

  const told = <Outcome extends UpstreamOutcome>({ provider }: Arrival, place: SignInPlace, outcome: Outcome): Outcome => {
    attempted(provider.kind, outcome.kind);
    const reason = outcome.kind === 'connect' ? outcome.reason : outcome.kind;
    if (outcome.kind === 'refused' || outcome.kind === 'connect') {
      const about = { outcome: 'failure', actor: { type: 'anonymous' }, clientId: place.clientId, reason } as const;
      audit.note({ type: 'authn.login.failed', ...about, details: { method: provider.kind } });
    }
    return outcome;
  };

  return {
    /** Signs in whom the provider named: known, new, or the proven owner of an address here. */
    signIn: async (arrival: Arrival, place: SignInPlace): Promise<UpstreamOutcome> => {
      const found = await again(() => arrive(arrival));
      if (!found) return told(arrival, place, { kind: 'refused' });
      if ('reason' in found) return told(arrival, place, { kind: 'connect', reason: found.reason });
      return told(arrival, place, await enter(arrival, found.accountId, place));
    },

    /** Whether somebody new may come this way. */
    mayCreate,

    /** The person has no account here and wants one; what the provider did not vouch for is left out (SO-01). */
    signUp: async (arrival: Arrival, place: SignInPlace): Promise<UpstreamOutcome> => {
      if (!mayCreate(arrival) || !isWelcome(undefined))
        return told(arrival, place, { kind: 'connect', reason: 'sign_up_closed' });
      const accountId = await again(async () => {
        const known = await identities.ownerOf(keyOf(arrival.provider, arrival.person));
        return known ?? (await create(arrival, undefined));
      });
      return told(arrival, place, accountId === undefined ? { kind: 'refused' } : await enter(arrival, accountId, place));
    },

    /**
     * Joins an identity to the account that has just signed in, or says so on its own page (SO-07).
     * @returns false when somebody else has it
     */
    link: async (accountId: string, arrival: Arrival, how: 'sign-in' | 'account'): Promise<boolean> => {
      const key = keyOf(arrival.provider, arrival.person);
      const owner = await identities.ownerOf(key);
      if (owner !== undefined) return owner === accountId;
      try {
        await join(accountId, arrival, how);
        return true;
      } catch (error) {
        if (!(error instanceof IdentityTaken)) throw error;
        return (await identities.ownerOf(key)) === accountId;
      }
    },
  };
};

export type UpstreamSignIn = ReturnType<typeof createUpstreamSignIn>;
