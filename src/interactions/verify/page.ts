import type { AskOutcome, EmailChange, Identifiers, Presented, Verification } from '../../authn/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import {
  dropLink,
  flowOf,
  keepFlow,
  linkOf,
  linksOn,
  missingCode,
  spaced,
  takeLink,
  tooMany,
  wrongCode,
} from '../recovery/page.ts';
import type { FormError } from '../steps.ts';

/** One kind of mailed link that ends at `/verify`. */
interface Proof {
  look(presented: Presented): Promise<'own' | 'other' | 'gone'>;
  /** @returns what happened: a kind of the notice, or what is missing */
  confirm(presented: Presented): Promise<{ kind: string }>;
}

export interface Unlock {
  look(presented: Presented): Promise<'own' | 'other' | 'gone'>;
  unlock(presented: Presented): Promise<{ kind: 'unlocked' | 'gone' }>;
}

export interface VerifyDeps {
  verification: Pick<Verification, 'ask' | 'look' | 'confirm'>;
  emailChange: Pick<EmailChange, 'look' | 'confirm' | 'undo'>;
  identifiers: Pick<Identifiers, 'look' | 'confirm' | 'lookUndo' | 'undoPhone'>;
  unlock: Unlock;
  clock: Clock;
}

const proofsOf = ({ verification, emailChange, identifiers, unlock }: VerifyDeps): ReadonlyMap<string, Proof> =>
  new Map<string, Proof>([
    ['verify-email', verification],
    ['email-new', { look: (link) => emailChange.look('new', link), confirm: (link) => emailChange.confirm('new', link) }],
    ['email-old', { look: (link) => emailChange.look('old', link), confirm: (link) => emailChange.confirm('old', link) }],
    ['add-email', { look: identifiers.look, confirm: (link) => identifiers.confirm('email', link) }],
    ['email-undo', { look: (link) => emailChange.look('undo', link), confirm: (link) => emailChange.undo(link) }],
    ['phone-undo', { look: identifiers.lookUndo, confirm: identifiers.undoPhone }],
    ['unlock', { look: unlock.look, confirm: unlock.unlock }],
  ]);

/** Links that whoever holds the mail may use from any browser: nobody asked for them. */
const unasked = new Set(['email-undo', 'phone-undo', 'unlock']);

/** Addresses are confirmed here: by the mailed link, or by the mailed code in the browser that asked (RS-13). */
export const mountVerify = (pages: PageRoutes, deps: VerifyDeps): void => {
  const { verification, clock } = deps;
  const proofs = proofsOf(deps);

  const presented = (page: PageContext): Presented => ({ flow: flowOf(page).flow, secret: linkOf(page)?.secret });

  const gone = (page: PageContext): void => {
    dropLink(page);
    const links = [{ key: 'link.verify', href: '/verify/again' }];
    page.render('notice', { key: 'verify.gone', kind: 'warning', links, path: '/verify' }, 400);
  };

  const showLink = async (page: PageContext, kind: string, errors: readonly FormError[], status: number): Promise<void> => {
    const place = await proofs.get(kind)?.look(presented(page));
    if (place === undefined || place === 'gone') return gone(page);
    const isOther = place === 'other' && !unasked.has(kind);
    page.render('verify', { kind, isOther, errors, path: '/verify' }, status);
  };

  const show = async (page: PageContext, errors: readonly FormError[] = [], status = 200): Promise<void> => {
    const link = linkOf(page);
    if (link) return showLink(page, link.kind, errors, status);
    const { shown } = flowOf(page);
    if (shown === undefined) return page.redirect('/verify/again');
    page.render(
      'mail-sent',
      { about: 'verify', shown: spaced(shown), again: '/verify/again', hasCode: true, errors, path: '/verify' },
      status,
    );
  };

  pages.get('/verify', async (page) => {
    const kind = page.query.for ?? 'verify-email';
    if (!takeLink(page, proofs.has(kind) ? kind : 'verify-email', '/verify')) await show(page);
  });

  /** Without a link, the code says by itself which of the mails it is from. */
  const confirm = async (page: PageContext, code: string | undefined): Promise<{ kind: string }> => {
    const link = linkOf(page);
    if (link) return (await proofs.get(link.kind)?.confirm({ ...presented(page), code })) ?? { kind: 'gone' };
    if (code === undefined || code.trim() === '') return { kind: 'code_needed' };
    return verification.confirm({ flow: flowOf(page).flow, code });
  };

  pages.post('/verify', async (page) => {
    page.ctx.set('Referrer-Policy', 'no-referrer');
    const outcome = await confirm(page, page.form.code);
    if (outcome.kind === 'gone') return gone(page);
    if (outcome.kind === 'code_needed') return show(page, [missingCode], 400);
    if (outcome.kind === 'code_wrong') return show(page, [wrongCode], 400);
    dropLink(page);
    const links = linksOn(page, clock.now());
    page.render('notice', { key: `verify.${outcome.kind}`, kind: 'success', links, path: '/' });
  });

  const showAgain = (page: PageContext, form: { login?: string; errors?: FormError[] } = {}, status = 200): void => {
    page.render('verify-again', { ...form, errors: form.errors ?? [], path: '/verify/again' }, status);
  };
  const answerAsk = (page: PageContext, login: string, outcome: AskOutcome): void => {
    if (outcome.kind === 'limited') {
      showAgain(page, { login, errors: [tooMany(page, outcome.until, clock.now())] }, 429);
    } else {
      dropLink(page);
      keepFlow(page, outcome);
      page.redirect('/verify');
    }
  };

  pages.get('/verify/again', async (page) => showAgain(page));
  pages.post('/verify/again', async (page) => {
    const login = (page.form.login ?? '').trim();
    if (login === '' || login.length > 320)
      return showAgain(page, { login, errors: [{ field: 'login', key: 'signup.missing_login' }] }, 400);
    answerAsk(page, login, await verification.ask(login, { ip: page.request.ip, flow: flowOf(page).flow, locale: page.locale }));
  });
};
