import type { Recovery, ResetOutcome } from '../../authn/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { dropLink, flowOf, linkOf, linksOn, missingCode, takeLink, wrongCode } from '../recovery/page.ts';
import { passwordErrors } from '../signup/page.ts';
import type { FormError } from '../steps.ts';

export interface ResetDeps {
  recovery: Pick<Recovery, 'look' | 'reset'>;
  clock: Clock;
}

const kind = 'reset-password';
const words = passwordErrors('password');

/** Behind the mailed link: choose a new password. The link is spent by the post, not by being opened (RS-13). */
export const mountReset = (pages: PageRoutes, { recovery, clock }: ResetDeps): void => {
  const presented = (page: PageContext) => {
    const link = linkOf(page);
    return { secret: link?.kind === kind ? link.secret : undefined, flow: flowOf(page).flow };
  };

  const gone = (page: PageContext): void => {
    dropLink(page);
    const links = [{ key: 'link.forgot', href: '/forgot' }];
    page.render('notice', { key: 'reset.gone', kind: 'warning', links, path: '/reset' }, 400);
  };

  const show = async (page: PageContext, errors: readonly FormError[] = [], status = 200): Promise<void> => {
    const place = await recovery.look(presented(page));
    if (place === 'gone') return gone(page);
    page.render('reset', { errors, isOther: place === 'other', path: '/reset' }, status);
  };

  pages.get('/reset', async (page) => {
    if (!takeLink(page, kind, '/reset')) await show(page);
  });

  const problems = (outcome: ResetOutcome): FormError[] => {
    if (outcome.kind === 'invalid') return outcome.problems.map((problem) => words[problem]);
    return [outcome.kind === 'code_needed' ? missingCode : wrongCode];
  };

  pages.post('/reset', async (page) => {
    page.ctx.set('Referrer-Policy', 'no-referrer');
    const { password = '', code } = page.form;
    if (password === '') return show(page, [{ field: 'password', key: 'signup.missing_password' }], 400);
    const outcome = await recovery.reset(password, { ...presented(page), code });
    switch (outcome.kind) {
      case 'reset': {
        dropLink(page);
        const links = linksOn(page, clock.now());
        return page.render('notice', { key: 'reset.done', kind: 'success', links, path: '/' });
      }
      case 'gone':
        return gone(page);
      case 'busy':
        page.ctx.set('Retry-After', String(outcome.retryAfterSeconds));
        return show(page, [{ key: 'login.busy' }], 503);
      default:
        return show(page, problems(outcome), 400);
    }
  });
};
