import { constantTimeEqual, type Envelope } from '../../platform/crypto/index.ts';
import type { AuditSink, Clock, InTransaction, Mailer } from '../../platform/ports.ts';
import type { Texter } from '../../platform/sms/index.ts';
import type { FlowRepository } from '../flows/repository.ts';
import type { FailureRepository } from '../password/repository.ts';
import { type CodeAddresses, hintOf, type SentMethod } from './addresses.ts';
import { digitsOf, sixDigits } from './digits.ts';

/** RS-12: 5 tries a code, 10 minutes, 10 tries an hour and account whatever new codes there are. */
const codeSeconds = 10 * 60;
const triesPerCode = 5;
const triesPerHour = 10;
/** Between two messages. */
const againSeconds = 30;
/** Messages cost money and patience; counted by account and by address. */
const perHour: Record<SentMethod, number> = { email: 10, sms: 5 };

export type SendOutcome =
  /** @property to enough of the address for its owner */
  | { kind: 'sent'; method: SentMethod; to: string; expiresAt: Date }
  /** Asked too often. The code sent before, if any, stays good. */
  | { kind: 'limited'; until: Date }
  /** Nothing can be sent to this person by this way. */
  | { kind: 'unavailable' };

/** What sending changes together. */
export interface CodeUnit {
  flows: FlowRepository;
  mail: Mailer;
  texts: Texter;
  audit: AuditSink;
}

export interface CodeWish {
  /** Row of `authentication_flows` that the code is good for. */
  flowId: string;
  accountId: string;
  method: SentMethod;
  address: string;
  locale?: string | undefined;
}

export interface SentCodeDeps<Unit extends CodeUnit> {
  flows: Pick<FlowRepository, 'tryCode' | 'spendCode'>;
  failures: Pick<FailureRepository, 'count' | 'takeBack'>;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
  addresses: CodeAddresses;
  inTransaction: InTransaction<Unit>;
}

/** One-time codes by mail and text message, for one sign-in or one set-up (FEATURES A8). */
export const createSentCodes = <Unit extends CodeUnit>(deps: SentCodeDeps<Unit>) => {
  const { flows, failures, envelope, clock, addresses, inTransaction } = deps;
  const hashOf = (flowId: string, code: string): string => envelope.blindIndex(`${flowId}\0${code}`, 'sent-code');
  const triesKey = (accountId: string): string => envelope.blindIndex(`codes\0${accountId}`, 'failures');

  const countSent = async (what: string, windowSeconds: number, limit: number): Promise<Date | undefined> => {
    const key = envelope.blindIndex(`sent\0${what}`, 'mail-limits');
    const { count, endsAt } = await failures.count({ key, now: clock.now(), windowSeconds, limit });
    return count > limit ? endsAt : undefined;
  };

  const stopped = async ({ accountId, method, address }: CodeWish): Promise<Date | undefined> =>
    (await countSent(`again\0${method}\0${accountId}`, againSeconds, 1)) ??
    (await countSent(`${method}\0${accountId}`, 3600, perHour[method])) ??
    (await countSent(`${method}\0${address}`, 3600, perHour[method]));

  /** @param alongside what the code is for, where that is made with it */
  const send = async (wish: CodeWish, alongside?: (unit: Unit) => Promise<void>): Promise<SendOutcome> => {
    const until = await stopped(wish);
    if (until) return { kind: 'limited', until };
    const { flowId, accountId, method, address } = wish;
    const locale = (await addresses.localeOf(accountId)) ?? wish.locale;
    const code = sixDigits();
    const expiresAt = new Date(clock.now().getTime() + codeSeconds * 1000);
    await inTransaction(async (unit) => {
      await alongside?.(unit);
      await unit.flows.setCode(flowId, { method, hash: hashOf(flowId, code), expiresAt });
      const values = { code, count: codeSeconds / 60 };
      const message = { to: address, template: 'factor-code', locale, values, notAfter: expiresAt.toISOString() };
      await (method === 'email' ? unit.mail : unit.texts).send(message);
      const actor = { type: 'user', id: accountId } as const;
      await unit.audit.record({ type: 'mfa.code_sent', outcome: 'success', actor, subjectId: accountId, details: { method } });
    });
    return { kind: 'sent', method, to: hintOf(method, address), expiresAt };
  };

  return {
    send,
    /** To the confirmed address of somebody who signs in. */
    sendTo: async (accountId: string, flowId: string, method: SentMethod, locale?: string): Promise<SendOutcome> => {
      const address = await addresses.addressOf(accountId, method);
      return address === undefined ? { kind: 'unavailable' } : send({ flowId, accountId, method, address, locale });
    },
    /** Spends the code. @returns by which way it came; `undefined` for a wrong, old or spent one */
    check: async (accountId: string, flowId: string, typed: string): Promise<SentMethod | undefined> => {
      const now = clock.now();
      const key = triesKey(accountId);
      const { count } = await failures.count({ key, now, windowSeconds: 3600, limit: triesPerHour });
      if (count > triesPerHour) return undefined;
      const sent = await flows.tryCode(flowId, triesPerCode, now);
      if (!sent || !constantTimeEqual(hashOf(flowId, digitsOf(typed)), sent.hash)) return undefined;
      if (!(await flows.spendCode(flowId, sent.hash))) return undefined;
      await failures.takeBack(key);
      return sent.method;
    },
  };
};

export type SentCodes = Pick<ReturnType<typeof createSentCodes>, 'sendTo' | 'check'>;
