import type { Authn } from '../../../authn/index.ts';
import { type FormError, passwordErrors } from '../../../interactions/index.ts';
import type { BrowserSession, Endings } from '../../../oidc/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import type { AccountSession } from '../session/page.ts';

export interface PasswordPageDeps {
  authn: Pick<Authn, 'changePassword'>;
  endings: Pick<Endings, 'endAccountIn'>;
  session: Pick<AccountSession, 'person'>;
  nameOf(accountId: string): Promise<{ login: string | undefined }>;
  clock: Clock;
}

const path = '/account/password';
const words = passwordErrors('password');

/** A new password for the present one (FEATURES A13, PW-08): everybody else is signed out. */
export const mountPasswordPage = (pages: PageRoutes, { authn, endings, session, nameOf, clock }: PasswordPageDeps): void => {
  const showTo = async (page: PageContext, accountId: string, errors: readonly FormError[] = [], status = 200): Promise<void> =>
    page.render('password', { action: path, login: (await nameOf(accountId)).login, errors }, status);

  const change = async (page: PageContext, { accountId, sessionUid }: BrowserSession): Promise<void> => {
    const { current = '', password = '' } = page.form;
    const show = (errors: readonly FormError[], status: number) => showTo(page, accountId, errors, status);
    const missing: FormError[] = [
      ...(current === '' ? [{ field: 'current', key: 'password.missing_current' }] : []),
      ...(password === '' ? [{ field: 'password', key: 'signup.missing_password' }] : []),
    ];
    if (missing.length > 0) return show(missing, 400);
    const ending = { cause: 'password_changed', actor: { type: 'user', id: accountId }, exceptSessionUid: sessionUid } as const;
    const outcome = await authn.changePassword({
      accountId,
      currentPassword: current,
      newPassword: password,
      request: page.request,
      alongside: (trx) => endings.endAccountIn(trx, accountId, ending),
    });
    switch (outcome.kind) {
      case 'changed':
        return page.render('notice', {
          key: 'password.changed',
          kind: 'success',
          links: [{ key: 'link.account', href: '/account' }],
        });
      case 'invalid':
        return show(
          outcome.problems.map((problem) => words[problem]),
          400,
        );
      case 'locked': {
        const seconds = Math.max(1, Math.ceil((outcome.until.getTime() - clock.now().getTime()) / 1000));
        page.ctx.set('Retry-After', String(seconds));
        return show([{ key: 'login.locked', values: { count: Math.ceil(seconds / 60) } }], 429);
      }
      case 'busy':
        page.ctx.set('Retry-After', String(outcome.retryAfterSeconds));
        return show([{ key: 'login.busy' }], 503);
      default:
        return show([{ field: 'current', key: 'password.wrong_current' }], 401);
    }
  };

  pages.get(path, async (page) => {
    const person = await session.person(page);
    if (person) await showTo(page, person.accountId);
  });
  pages.post(path, async (page) => {
    const person = await session.person(page);
    if (person) await change(page, person);
  });
};
