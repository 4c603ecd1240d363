import { isTwofold } from '../../platform/assurance/index.ts';
import type { AuditBuffer } from '../../platform/ports.ts';
import type { FactorMethod } from '../factors/proof.ts';
import type { Factors } from '../factors/service.ts';
import type { FlowStage } from '../flows/repository.ts';
import type { Demand } from './demand.ts';
import { askedOf } from './methods.ts';
import type { Authenticated, SignInOutcome } from './outcome.ts';
import type { FirstFactor, SignInPlace } from './place.ts';

/** A device that has shown a second factor before stands for it; no name of RFC 8176 says so. */
const rememberedAmr = 'urn:castellan:amr:remembered';

export interface SecondFactorDeps {
  demandOf(first: FirstFactor, place: SignInPlace): Promise<Demand>;
  factors: Pick<Factors, 'methodsOf'>;
  /** A remembered device of this person. */
  recognizes(accountId: string, token: string | undefined): Promise<boolean>;
  /** Whether a code by mail would reach the person, at an address that was confirmed. */
  isMailable(accountId: string): Promise<boolean>;
  open(first: FirstFactor, place: SignInPlace, stage?: FlowStage): Promise<string>;
  authenticated(first: FirstFactor, clientId: string | undefined): Authenticated;
  audit: AuditBuffer;
  /** Tells the person that a sign-in with the right password was refused. */
  tellRefused(accountId: string): Promise<void>;
}

/** Whoever came in by a stolen password alone. */
const isPasswordAlone = ({ amr }: FirstFactor): boolean => amr.every((one) => one === 'pwd');

/** What a sign-in is asked for after its first factor (FEATURES A9, S1). */
export const createSecondFactor = (deps: SecondFactorDeps) => {
  const { demandOf, factors, recognizes, isMailable, open, authenticated, audit, tellRefused } = deps;

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
    if (!(await isMailable(first.accountId))) return denied(first, place);
    return { kind: 'needs_factor', flow: await open(first, place, 'mailbox'), methods: ['email'] };
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

  return async (first: FirstFactor, place: SignInPlace): Promise<SignInOutcome> => {
    const demand = await demandOf(first, place);
    const { risk, requirement, isAsked } = demand;
    if (requirement === 'denied') return denied(first, place);
    if (first.level === 2 || (!isAsked && requirement === 'off')) return authenticated(first, place.clientId);
    const usable = await usableFor(first, place);
    if (usable === 'none') return { kind: 'refused' };
    if (usable.length > 0) return askFactor(first, place, usable, risk === 'low');
    return isAsked ? withoutFactor(first, place, demand) : authenticated(first, place.clientId);
  };
};
