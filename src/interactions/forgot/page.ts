import type { Recovery } from '../../authn/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { flowOf, keepFlow, spaced, tooMany } from '../recovery/page.ts';
import type { FormError } from '../steps.ts';

export interface ForgotDeps {
  recovery: Pick<Recovery, 'ask'>;
  clock: Clock;
}

/** The way to a new password: who, then "look into your mail", the same for everybody (PW-05). */
export const mountForgot = (pages: PageRoutes, { recovery, clock }: ForgotDeps): void => {
  const show = (page: PageContext, form: { login?: string; errors?: FormError[] } = {}, status = 200): void => {
    page.render('forgot', { ...form, errors: form.errors ?? [], path: '/forgot' }, status);
  };

  pages.get('/forgot', async (page) => show(page));

  pages.post('/forgot', async (page) => {
    const login = (page.form.login ?? '').trim();
    if (login === '' || login.length > 320)
      return show(page, { login, errors: [{ field: 'login', key: 'login.missing_login' }] }, 400);
    const { flow } = flowOf(page);
    const outcome = await recovery.ask(login, { ip: page.request.ip, flow, locale: page.locale });
    if (outcome.kind === 'limited') return show(page, { login, errors: [tooMany(page, outcome.until, clock.now())] }, 429);
    keepFlow(page, outcome);
    page.redirect('/forgot/sent');
  });

  pages.get('/forgot/sent', async (page) => {
    const { shown } = flowOf(page);
    if (shown === undefined) return page.redirect('/forgot');
    page.render('mail-sent', { about: 'forgot', shown: spaced(shown), again: '/forgot', path: '/forgot/sent' });
  });
};
