import { acrOfLevel, isTwofold, type Level } from '../../platform/assurance/index.ts';
import { randomSecret, sha256 } from '../../platform/crypto/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import type { SignInRisk } from '../../risk/index.ts';
import type { SentMethod } from '../codes/addresses.ts';
import type { SendOutcome, SentCodes } from '../codes/service.ts';
import { type FactorMethod, type Proof, type ProofOutcome, proofBy } from '../factors/proof.ts';
import type { Factors } from '../factors/service.ts';
import type { FlowChannel, FlowRepository, FlowRow, FlowStage } from '../flows/repository.ts';
import type { FactorPolicy } from '../policy/service.ts';
import { createDemand } from './demand.ts';
import { askedOf } from './methods.ts';
import type { AnswerOutcome, Authenticated, SignInOutcome } from './outcome.ts';
import type { FirstFactor, SignInPlace } from './place.ts';
import { createSecondFactor, type Mailbox } from './second-factor.ts';

/** MF-03. */
const flowSeconds = 5 * 60;
/** Enrolling takes longer than reading a code. */
const pageFlowSeconds = 15 * 60;

export interface SignInDeps {
  flows: FlowRepository;
  factors: Pick<Factors, 'methodsOf' | 'proveByCode'>;
  codes: SentCodes;
  /** Enough of where codes go for the person to know it. */
  sendingHint(accountId: string, method: SentMethod): Promise<string | undefined>;
  policy: Pick<FactorPolicy, 'requirementOf'>;
  account: {
    isActive(accountId: string): Promise<boolean>;
    /** A3: the address must be confirmed, and is not. */
    isVerificationDue(accountId: string): Promise<boolean>;
    /** Whether a code by mail would reach them; `unconfirmed`: at an address that has to be confirmed first. */
    mailbox(accountId: string): Promise<Mailbox>;
    tellRefused(accountId: string): Promise<void>;
  };
  /** A remembered device of this person. */
  recognizes(accountId: string, token: string | undefined): Promise<boolean>;
  surroundings: { clock: Clock; audit: AuditBuffer; assess: SignInRisk['assess'] };
}

export interface OpenFlow {
  accountId: string;
  methods: readonly FactorMethod[];
  /** A second factor has been proven (or made) already: the sign-in can be finished. */
  isProven: boolean;
  amr: readonly string[];
  /** Its risk is high, and the account has no factor: the mailbox is to be shown. */
  isUnusual: boolean;
  /** A code that was sent and is still good. */
  sent?: SentMethod | undefined;
}

const isProven = ({ stage, amr, level, needed_level: needed }: FlowRow): boolean =>
  stage === null && isTwofold(amr) && level >= needed;

const isMailboxAsked = ({ stage }: Pick<FlowRow, 'stage'>): boolean => stage === 'mailbox' || stage === 'confirmation';

/** The second half of every sign-in (FEATURES A9): does the account, a policy or the application ask for more? */
export const createSignIn = ({ flows, factors, codes, sendingHint, policy, account, recognizes, surroundings }: SignInDeps) => {
  const { clock, audit, assess } = surroundings;
  const demandOf = createDemand({ policy, assess });
  const idOf = (token: string): string => sha256(`flow:${token}`);

  const authenticated = (first: FirstFactor, clientId: string | undefined): Authenticated => {
    const { accountId, method, amr, level, authTime } = first;
    const acr = acrOfLevel[level === 2 ? 2 : 1];
    const actor = { type: 'user', id: accountId } as const;
    const details = { method, acr, amr };
    audit.note({ type: 'authn.login.succeeded', outcome: 'success', actor, subjectId: accountId, clientId, details });
    return { kind: 'authenticated', accountId, acr, amr, authTime };
  };

  const open = async (first: FirstFactor, place: SignInPlace, stage: FlowStage = null): Promise<string> => {
    const token = place.key ?? randomSecret();
    const now = clock.now();
    const { accountId, amr, level, authTime } = first;
    const seconds = place.channel === 'page' ? pageFlowSeconds : flowSeconds;
    const flow = {
      id: idOf(token),
      user_id: accountId,
      channel: place.channel,
      client_id: place.clientId ?? null,
      amr: [...amr],
      authenticated_at: authTime,
      level,
      needed_level: place.neededLevel ?? 0,
      stage,
      expires_at: new Date(now.getTime() + seconds * 1000),
    };
    await flows.put(flow, now);
    return token;
  };

  const find = async (token: string, channel: FlowChannel): Promise<FlowRow | undefined> => {
    if (token.length > 200) return undefined;
    return flows.find(idOf(token), channel, clock.now());
  };

  const sentBy = ({ code_method: method, code_hash: hash, code_expires_at: ends }: FlowRow): SentMethod | undefined =>
    method !== null && hash !== null && ends !== null && ends > clock.now() ? method : undefined;

  /** The one place where a sign-in with a second factor ends, once (MF-03). */
  const finish = async (flow: FlowRow, method: string): Promise<AnswerOutcome> => {
    if (!(await flows.end(flow.id))) return { kind: 'expired' };
    // SO-06: somebody may have been disabled meanwhile.
    if (!(await account.isActive(flow.user_id))) return { kind: 'refused' };
    const { user_id: accountId, amr, level, authenticated_at: authTime, client_id: clientId } = flow;
    return authenticated({ accountId, method, amr, level, authTime }, clientId ?? undefined);
  };

  const grown = (flow: FlowRow, { amr, level }: Proof): Pick<FlowRow, 'amr' | 'level' | 'authenticated_at'> => ({
    amr: [...new Set([...flow.amr, ...amr])],
    level: Math.max(flow.level, level) as Level,
    authenticated_at: clock.now(),
  });

  const methodsOf = async ({ stage, user_id: accountId, amr, needed_level: needed }: FlowRow): Promise<FactorMethod[]> =>
    isMailboxAsked({ stage }) ? ['email'] : askedOf(await factors.methodsOf(accountId), { amr, needed });

  /** What a proof does to an open sign-in. */
  const answered = async (flow: FlowRow, outcome: ProofOutcome): Promise<AnswerOutcome> => {
    if (outcome.kind !== 'proven') return outcome;
    const proven = grown(flow, outcome.proof);
    if (flow.stage === 'mailbox' || proven.level < flow.needed_level) {
      const stage = flow.stage === 'mailbox' ? 'enrolment' : null;
      await flows.prove(flow.id, { amr: proven.amr, level: proven.level, authenticatedAt: proven.authenticated_at, stage });
      return { kind: 'needs_enrolment' };
    }
    return finish({ ...flow, ...proven }, outcome.proof.method);
  };

  const secondFactor = createSecondFactor({
    demandOf,
    factors,
    recognizes,
    mailbox: account.mailbox,
    open,
    authenticated,
    audit,
    tellRefused: account.tellRefused,
  });

  return {
    /** After the first factor: done, or what is still asked for. */
    conclude: async (first: FirstFactor, place: SignInPlace): Promise<SignInOutcome> => {
      if (await account.isVerificationDue(first.accountId)) return { kind: 'needs_verification', accountId: first.accountId };
      return secondFactor(first, place);
    },

    /** A sign-in that waits for its second factor. */
    pending: async (token: string, channel: FlowChannel): Promise<OpenFlow | undefined> => {
      const flow = await find(token, channel);
      if (!flow) return undefined;
      const methods = await methodsOf(flow);
      const { user_id: accountId, amr } = flow;
      return { accountId, methods, isProven: isProven(flow), amr, isUnusual: isMailboxAsked(flow), sent: sentBy(flow) };
    },

    sendingHint,

    /** Sends a code to the person of the sign-in, by a way that is theirs. */
    sendCode: async (
      token: string,
      channel: FlowChannel,
      method: SentMethod,
      locale?: string,
    ): Promise<SendOutcome | { kind: 'expired' }> => {
      const flow = await find(token, channel);
      if (!flow) return { kind: 'expired' };
      return (await methodsOf(flow)).includes(method)
        ? codes.sendTo(flow.user_id, flow.id, method, locale)
        : { kind: 'unavailable' };
    },

    /** A code of an authenticator app, one that was sent, or a recovery code. A wrong one leaves the sign-in open. */
    answerCode: async (token: string, channel: FlowChannel, code: string): Promise<AnswerOutcome> => {
      const flow = await find(token, channel);
      if (!flow) return { kind: 'expired' };
      const { id, user_id: accountId } = flow;
      const checkSent = async (): Promise<Proof | undefined> => {
        const method = await codes.check(accountId, id, code);
        return method && proofBy(method);
      };
      return answered(flow, await factors.proveByCode(accountId, code, sentBy(flow) ? checkSent : undefined));
    },

    /** Any other proof of the person the sign-in is of. */
    answer: async (
      token: string,
      channel: FlowChannel,
      prove: (flow: { id: string; accountId: string }) => Promise<ProofOutcome>,
    ): Promise<AnswerOutcome> => {
      const flow = await find(token, channel);
      if (!flow) return { kind: 'expired' };
      return answered(flow, await prove({ id: flow.id, accountId: flow.user_id }));
    },

    /** A factor made within the sign-in is proven by that; the person still reads the recovery codes. */
    prove: async (token: string, channel: FlowChannel, proof: Proof): Promise<void> => {
      const flow = await find(token, channel);
      if (!flow) return;
      const { amr, level, authenticated_at: authenticatedAt } = grown(flow, proof);
      await flows.prove(flow.id, { amr, level, authenticatedAt, stage: null });
    },

    /** Ends a sign-in whose second factor is proven. */
    finish: async (token: string, channel: FlowChannel): Promise<AnswerOutcome> => {
      const flow = await find(token, channel);
      if (!flow || !isProven(flow)) return { kind: 'expired' };
      return finish(flow, 'enrolment');
    },

    /** The person starts again. */
    abandon: async (token: string): Promise<void> => void (await flows.end(idOf(token))),
  };
};

export type SignIn = ReturnType<typeof createSignIn>;
