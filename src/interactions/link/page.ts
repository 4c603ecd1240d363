import type { Authenticated, LinkOutcome } from '../../authn/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import { type LoginDeps, showLogin } from '../login/page.ts';
import { signInPlace } from '../mfa/page.ts';
import { dropLink, flowOf, keepFlow, linkOf, missingCode, takeLink, tooMany, wrongCode } from '../recovery/page.ts';
import type { FormError, StepContext } from '../steps.ts';

const kind = 'sign-in-link';
/** Which sign-in of this browser asked: its cookie is bound to a path that the mailed link does not have (SE-02). */
const askedByCookie = 'castellan_asked_by';
const askedBySeconds = 900;

export type LinkDeps = LoginDeps;

const secretOf = (page: PageContext): string | undefined => {
  const link = linkOf(page);
  return link?.kind === kind ? link.secret : undefined;
};

/** "Check your e-mail", the same for everybody (PW-05); or, after the link was opened here, the button that signs in. */
export const showLink = async (
  step: StepContext,
  { signInLink }: Pick<LinkDeps, 'signInLink'>,
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => {
  const { page, base } = step;
  const secret = secretOf(page);
  const isReady = secret !== undefined && (await signInLink.look({ secret, flow: flowOf(page).flow })) === 'own';
  step.show('sign-in-link', { action: `${base}/link`, loginUrl: `${base}/login`, isReady, errors }, status);
};

/** The button on the sign-in page. */
export const askLink = async (step: StepContext, deps: LinkDeps): Promise<void> => {
  const { page, locale, details, base } = step;
  const login = (page.form.login ?? '').trim();
  if (login === '' || login.length > 320) {
    return showLogin(step, deps, { login, errors: [{ field: 'login', key: 'login.missing_login' }] }, 400);
  }
  const outcome = await deps.signInLink.ask(login, { ip: page.request.ip, flow: flowOf(page).flow, locale });
  if (outcome.kind === 'limited') {
    return showLogin(step, deps, { login, errors: [tooMany(page, outcome.until, deps.clock.now())] }, 429);
  }
  dropLink(page);
  keepFlow(page, outcome);
  page.keepCookie({ name: askedByCookie, value: details.uid, seconds: askedBySeconds });
  page.redirect(`${base}/link`);
};

const words = (outcome: Exclude<LinkOutcome, Authenticated>): { errors: FormError[]; status: number } | undefined => {
  if (outcome.kind === 'code_wrong') return { errors: [wrongCode], status: 400 };
  if (outcome.kind === 'refused') return { errors: [{ key: 'link.refused' }], status: 401 };
  if (outcome.kind === 'needs_factor' || outcome.kind === 'needs_enrolment') return undefined;
  return { errors: [{ key: 'link.gone' }], status: 400 };
};

/** What the button, or the code, brings. The outcome; `more` when a second factor comes next; else the page is shown again. */
export const submitLink = async (step: StepContext, deps: LinkDeps): Promise<Authenticated | 'more' | undefined> => {
  const { page } = step;
  const { flow } = flowOf(page);
  const code = (page.form.code ?? '').trim();
  const secret = code === '' ? secretOf(page) : undefined;
  if (secret === undefined && code === '') {
    await showLink(step, deps, [missingCode], 400);
    return undefined;
  }
  const outcome = await deps.signInLink.signIn({ secret, flow, code }, signInPlace(step));
  if (outcome.kind !== 'code_wrong') dropLink(page);
  if (outcome.kind === 'authenticated') return outcome;
  const problem = words(outcome);
  if (problem === undefined) return 'more';
  await showLink(step, deps, problem.errors, problem.status);
  return undefined;
};

/** Where the mailed link leads: opening it spends nothing, so scanners of mail do no harm (RS-13, RS-09). */
export const mountLink = (pages: PageRoutes, { signInLink }: Pick<LinkDeps, 'signInLink'>): void => {
  pages.get('/link', async (page) => {
    if (takeLink(page, kind, '/link')) return;
    const place = await signInLink.look({ secret: secretOf(page), flow: flowOf(page).flow });
    const uid = page.request.cookie(askedByCookie);
    if (place === 'own' && uid !== undefined && /^[\w-]{1,100}$/.test(uid)) return page.redirect(`/interaction/${uid}/link`);
    dropLink(page);
    const isElsewhere = place !== 'gone';
    const key = isElsewhere ? 'link.elsewhere' : 'link.over';
    page.render('notice', { key, kind: isElsewhere ? 'info' : 'warning', path: '/link' }, isElsewhere ? 200 : 400);
  });
};
