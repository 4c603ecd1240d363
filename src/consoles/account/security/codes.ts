import type { Authn, SentMethod } from '../../../authn/index.ts';
import type { BrowserSession } from '../../../oidc/index.ts';
import { Refusal } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';

interface FormProblem {
  field?: string;
  key: string;
  values?: Record<string, number>;
}

export interface CodePageDeps {
  authn: Pick<Authn, 'codeEnrolment' | 'addressHint'>;
  clock: Clock;
  base: string;
  /** MF-05. */
  asOwner(work: (page: PageContext, owner: BrowserSession) => Promise<void>): (page: PageContext) => Promise<void>;
}

/** What a refused wish says on the page; anything else is a fault. */
const problems: Record<string, FormProblem> = {
  factor_not_offered: { key: 'code_new.not_offered' },
  factor_limit_reached: { key: 'code_new.there' },
  factor_address_unverified: { key: 'code_new.unverified' },
  factor_phone_invalid: { field: 'phone', key: 'code_new.sms.wrong' },
};

/** Codes by mail or text message, set up by a first one (FEATURES A8). */
export const mountCodePages = (pages: PageRoutes, { authn, clock, base, asOwner }: CodePageDeps): void => {
  const { codeEnrolment, addressHint } = authn;
  const secondsUntil = (until: Date): number => Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000));

  const isThere = (page: PageContext, recoveryCodes: readonly string[]): void => {
    if (recoveryCodes.length === 0) page.redirect(base);
    else page.render('recovery-codes', { action: base, codes: recoveryCodes });
  };

  /** A cooldown in seconds, an hour's limit in minutes. */
  const tooMany = (page: PageContext, until: Date): FormProblem => {
    const seconds = secondsUntil(until);
    page.ctx.set('Retry-After', String(seconds));
    if (seconds < 120) return { key: 'mfa.send_wait', values: { count: seconds } };
    return { key: 'mfa.send_limit', values: { count: Math.ceil(seconds / 60) } };
  };

  /** Asks for a first code. @returns what is wrong with that */
  const asked = async (page: PageContext, accountId: string, method: SentMethod): Promise<'sent' | FormProblem> => {
    const phoneNumber = page.form.send === 'again' ? undefined : page.form.phone;
    try {
      const outcome = await codeEnrolment.enable(accountId, method, { phoneNumber, locale: page.locale });
      return outcome.kind === 'sent' ? 'sent' : tooMany(page, outcome.until);
    } catch (error) {
      const problem = error instanceof Refusal ? problems[error.code] : undefined;
      if (problem) return problem;
      throw error;
    }
  };

  const mountMethod = (method: SentMethod): void => {
    const path = `${base}/${method}`;

    const show = async (page: PageContext, accountId: string, errors: FormProblem[] = [], status = 200): Promise<void> => {
      const waiting = page.query.number === 'other' ? undefined : await codeEnrolment.pending(accountId, method);
      const pending = waiting?.hasCode ? waiting : undefined;
      const to = method === 'email' ? await addressHint(accountId) : undefined;
      page.render('code-new', { action: path, base, method, pending, to, phone: page.form.phone, errors }, status);
    };

    const send = async (page: PageContext, accountId: string): Promise<void> => {
      const outcome = await asked(page, accountId, method);
      if (outcome === 'sent') page.redirect(path);
      else await show(page, accountId, [outcome], outcome.values ? 429 : 400);
    };

    const confirm = async (page: PageContext, accountId: string): Promise<void> => {
      const pending = await codeEnrolment.pending(accountId, method);
      if (!pending) return page.redirect(path);
      const outcome = await codeEnrolment.verify(accountId, pending.deviceId, page.form.code ?? '');
      if (outcome.kind === 'verified') return isThere(page, outcome.recoveryCodes);
      if (outcome.kind !== 'locked') return show(page, accountId, [{ field: 'code', key: 'mfa.refused' }], 401);
      const seconds = secondsUntil(outcome.until);
      page.ctx.set('Retry-After', String(seconds));
      const values = { count: Math.ceil(seconds / 60) };
      await show(page, accountId, [{ key: 'mfa.locked', values }], 429);
    };

    pages.get(
      path,
      asOwner((page, { accountId }) => show(page, accountId)),
    );
    pages.post(
      path,
      asOwner((page, { accountId }) => (page.form.send === undefined ? confirm(page, accountId) : send(page, accountId))),
    );
  };

  mountMethod('email');
  mountMethod('sms');
};
