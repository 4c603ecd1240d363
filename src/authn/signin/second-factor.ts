import { isTwofold } from '../../platform/assurance/index.ts';
import type { AuditBuffer } from '../../platform/ports.ts';
import type { RiskResponse } from '../../risk/index.ts';
import type { FactorMethod } from '../factors/proof.ts';
import type { Factors } from '../factors/service.ts';
import type { FlowStage } from '../flows/repository.ts';
import type { Demand } from './demand.ts';
import { askedOf } from './methods.ts';
import type { Authenticated, SignInOutcome } from './outcome.ts';
import type { FirstFactor, SignInPlace } from './place.ts';

/** Where a code by mail would reach a person. `unconfirmed`: nobody has shown yet that the address is theirs. */
export type Mailbox = 'confirmed' | 'unconfirmed' | 'none';

/** A device that has shown a second factor before stands for it; no name of RFC 8176 says so. */
const rememberedAmr = 'urn:castellan:amr:remembered';

export interface SecondFactorDeps {
  demandOf(first: FirstFactor, place: SignInPlace): Promise<Demand>;
  factors: Pick<Factors, 'methodsOf'>;
  /** A remembered device of this person. */
  recognizes(accountId: string, token: string | undefined): Promise<boolean>;
  mailbox(accountId: string): Promise<Mailbox>;
  open(first: FirstFactor, place: SignInPlace, stage?: FlowStage): Promise<string>;
  authenticated(first: FirstFactor, clientId: string | undefined): Authenticated;
  audit: AuditBuffer;
  /** Tells the person that a sign-in with the right password was refused. */
  tellRefused(accountId: string): Promise<void>;
}

/** Whoever came in by a stolen password alone. */
const isPasswordAlone = ({ amr }: FirstFactor): boolean => amr.every((one) => one === 'pwd');

const responseOf = (outcome: SignInOutcome): RiskResponse => {
  if (outcome.kind === 'authenticated') return 'let_in';
  if (outcome.kind === 'needs_enrolment') return 'enrolment';
  if (outcome.kind === 'needs_verification') return 'address';
  if (outcome.kind !== 'needs_factor') return 'refused';
  return outcome.methods.every((method) => method === 'email') ? 'mailbox' : 'factor';
};

/** What a sign-in is asked for after its first factor (FEATURES A9, S1). */
export const createSecondFactor = (deps: SecondFactorDeps) => {
  const { demandOf, factors, recognizes, mailbox, open, authenticated, audit, tellRefused } = deps;

  /** @param isTrusting a remembered device stands for a factor, but not where the sign-in looks strange */
  const askFactor = async (
    first: FirstFactor,
    place: SignInPlace,
    methods: FactorMethod[],
    isTrusting: boolean,
  ): Promise<SignInOutcome> => {
    const isRemembered = isTrusting && place.neededLevel !== 2 && (await recognizes(first.accountId, place.trustedDevice));
    if (!isRemembered) return { kind: 'needs_factor', flow: await open(first, place), methods };
    return authenticated({ ...first, amr: [...first.amr, rememberedAmr] }, place.clientId);
  };

  const denied = async ({ accountId, method }: FirstFactor, { clientId }: SignInPlace): Promise<SignInOutcome> => {
    const about = { outcome: 'denied', actor: { type: 'user', id: accountId }, subjectId: accountId, clientId } as const;
    audit.note({ type: 'authn.login.failed', ...about, reason: 'risk', details: { method } });
    await tellRefused(accountId);
    return { kind: 'refused' };
  };

  /** A factor is to be made. Where the risk is high a password alone is not enough for that: the mailbox is shown first. */
  const withoutFactor = async (first: FirstFactor, place: SignInPlace, { risk }: Demand): Promise<SignInOutcome> => {
    if (risk !== 'high' || !isPasswordAlone(first)) return { kind: 'needs_enrolment', flow: await open(first, place) };
    if ((await mailbox(first.accountId)) !== 'confirmed') return denied(first, place);
    return { kind: 'needs_factor', flow: await open(first, place, 'mailbox'), methods: ['email'] };
  };

  /**
   * Nobody asks for a factor, and there is none. Where the risk is high a password alone may be a thief's: its bearer shows that the
   * mailbox is theirs (NIST SP 800-63B-4 §3.2.4); where there is none, the sign-in is refused and works from a known place.
   */
  const unasked = async (first: FirstFactor, place: SignInPlace, { risk }: Demand): Promise<SignInOutcome> => {
    if (risk !== 'high' || !isPasswordAlone(first)) return authenticated(first, place.clientId);
    const box = await mailbox(first.accountId);
    if (box === 'none') return denied(first, place);
    if (box === 'unconfirmed') return { kind: 'needs_verification', accountId: first.accountId };
    return { kind: 'needs_factor', flow: await open(first, place, 'confirmation'), methods: ['email'] };
  };

  /** `none`: what there is proves nothing beyond the first proof: a mailed link, and a code to the same box. */
  const usableFor = async (
    { accountId, amr }: FirstFactor,
    { neededLevel = 0 }: SignInPlace,
  ): Promise<FactorMethod[] | 'none'> => {
    const all = await factors.methodsOf(accountId);
    const usable = askedOf(all, { amr, needed: neededLevel });
    return all.length > 0 && usable.length === 0 && !isTwofold(amr) ? 'none' : usable;
  };

  const decide = async (first: FirstFactor, place: SignInPlace, demand: Demand): Promise<SignInOutcome> => {
    const { risk, requirement, isAsked } = demand;
    if (requirement === 'denied') return denied(first, place);
    if (first.level === 2 || (!isAsked && requirement === 'off')) return authenticated(first, place.clientId);
    const usable = await usableFor(first, place);
    if (usable === 'none') return { kind: 'refused' };
    if (usable.length > 0) return askFactor(first, place, usable, risk === 'low');
    return (isAsked ? withoutFactor : unasked)(first, place, demand);
  };

  return async (first: FirstFactor, place: SignInPlace): Promise<SignInOutcome> => {
    const demand = await demandOf(first, place);
    const outcome = await decide(first, place, demand);
    demand.explain(responseOf(outcome));
    return outcome;
  };
};
