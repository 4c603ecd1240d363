import type { Terms, Upstream } from '../authn/index.ts';
import type { InteractionDetails, Interactions, LoginOutcome } from '../oidc/index.ts';
import type { PageContext, PageRoutes } from '../platform/http/index.ts';
import { showAccounts } from './account/page.ts';
import { type ConsentDeps, showConsent } from './consent/page.ts';
import { dressStep } from './dress.ts';
import { errors } from './errors.ts';
import { type Houses, houseOfPerson, houseOfRequest } from './house.ts';
import { askLink, mountLink, showLink, submitLink } from './link/page.ts';
import { rememberBrowser } from './login/browser.ts';
import { type LoginDeps, mailCode, showLogin, submitLogin } from './login/page.ts';
import { createFactorSteps, type Dispatch, type FactorStepsDeps } from './mfa/steps.ts';
import { type Registration, showSignup, submitSignup } from './signup/page.ts';
import { type StepContext, stepContext } from './steps.ts';
import { showTerms } from './terms/page.ts';
import { createUpstreamSteps } from './upstream/steps.ts';

type Prompt = InteractionDetails['prompt']['name'];
const signIn: readonly Prompt[] = ['login', 'create'];

export interface DispatcherDeps {
  interactions: Interactions;
  houses: Houses;
  login: LoginDeps;
  registration: Registration;
  consent: ConsentDeps;
  factors: FactorStepsDeps;
  upstream: Upstream;
  terms: Pick<Terms, 'viewFor' | 'accept'>;
}

/**
 * Reads the stored sign-in and picks its next step. Every form comes back here; a form of a step that is over (back button,
 * double submit, second tab) leads to the step that is next. A sign-in that is gone is the provider's `interaction_not_found`.
 */
export const mountDispatcher = (pages: PageRoutes, deps: DispatcherDeps): void => {
  const { interactions, login, registration, consent, terms } = deps;

  const open = async (page: PageContext): Promise<StepContext> => {
    const details = await interactions.details({ req: page.ctx.req, res: page.ctx.res });
    const asked = await houseOfRequest(details, deps.houses);
    const personal = asked ? undefined : await houseOfPerson(details, deps.houses);
    const step = stepContext(page, details, asked ?? personal);
    dressStep(step, { asked, personal, now: login.clock.now() });
    return signIn.includes(step.details.prompt.name) ? { ...step, upstream: await upstream.viewOf(step) } : step;
  };

  const signupPlace = async (step: StepContext) => ({
    action: `${step.base}/signup`,
    loginUrl: `${step.base}/login`,
    offers: step.upstream?.offers,
    needsApproval: login.needsApproval,
    terms: await registration.termsFor(step.locale),
    clock: login.clock,
    show: step.show,
  });

  const exchangeOf = ({ page }: StepContext) => ({ req: page.ctx.req, res: page.ctx.res });
  const leave = async ({ page }: StepContext, ending: Promise<string>): Promise<void> => {
    page.redirect(await ending);
    // What comes next, if anything, is another step with its own place.
    page.keepWorn({ house: page.worn.house });
  };
  const finish = async (step: StepContext, outcome: LoginOutcome): Promise<void> => {
    await rememberBrowser(step.page, outcome.accountId, login.knownDevices);
    await upstream.connect(step, outcome.accountId);
    await leave(step, interactions.finishLogin(exchangeOf(step), outcome));
  };

  /** A page of a step that may be shown or posted only while the sign-in is at one of these prompts. */
  const at = (prompts: readonly Prompt[], work: (step: StepContext) => Promise<void>) => async (page: PageContext) => {
    const step = await open(page);
    if (prompts.includes(step.details.prompt.name)) await work(step);
    else page.redirect(step.base);
  };
  const dispatch: Dispatch = {
    atSignIn: (work) => at(signIn, work),
    finish,
    deny: (step) => leave(step, interactions.deny(exchangeOf(step))),
  };
  const factors = createFactorSteps(deps.factors, dispatch);
  const upstream = createUpstreamSteps(deps.upstream, dispatch);

  const next: Record<Prompt, (step: StepContext) => Promise<void> | void> = {
    login: async (step) => {
      if (!(await factors.continueSignIn(step))) showLogin(step, login);
    },
    create: async (step) => (login.isSignupOpen ? showSignup(await signupPlace(step)) : showLogin(step, login)),
    terms: (step) => showTerms(step, terms),
    consent: (step) => showConsent(step, consent),
    select_account: (step) => showAccounts(step, consent),
  };

  pages.get('/interaction/:uid', async (page) => {
    const step = await open(page);
    await next[step.details.prompt.name](step);
  });

  pages.get(
    '/interaction/:uid/login',
    at(signIn, async (step) => showLogin(step, login)),
  );
  pages.post(
    '/interaction/:uid/login',
    at(signIn, async (step) => {
      if (step.page.form.cancel !== undefined) return leave(step, interactions.deny(exchangeOf(step)));
      if (step.page.form.mail !== undefined) return mailCode(step, login);
      if (step.page.form.link !== undefined && login.signInLink.isOffered) return askLink(step, login);
      const outcome = await submitLogin(step, login);
      if (outcome === 'more') step.page.redirect(step.base);
      else if (outcome !== undefined) await finish(step, outcome);
    }),
  );

  pages.get(
    '/interaction/:uid/link',
    at(signIn, (step) => showLink(step, login)),
  );
  pages.post(
    '/interaction/:uid/link',
    at(signIn, async (step) => {
      const outcome = await submitLink(step, login);
      if (outcome === 'more') step.page.redirect(step.base);
      else if (outcome !== undefined) await finish(step, outcome);
    }),
  );
  mountLink(pages, login);

  factors.mount(pages);
  upstream.mount(pages);

  const mayCreate = (): void => {
    if (!login.isSignupOpen) throw errors.registration_closed();
  };
  pages.get(
    '/interaction/:uid/signup',
    at(signIn, async (step) => {
      mayCreate();
      showSignup(await signupPlace(step));
    }),
  );
  pages.post(
    '/interaction/:uid/signup',
    at(signIn, async (step) => {
      mayCreate();
      const address = await submitSignup(step.page, await signupPlace(step), registration);
      const key = login.needsApproval ? 'login.signed_up_approval' : 'login.signed_up';
      // The same page with the same words for a new and a taken address (CONTRACT.md, `/register`).
      if (address !== undefined) showLogin(step, login, { login: address, notice: { kind: 'success', key } });
    }),
  );

  pages.post(
    '/interaction/:uid/consent',
    at(['consent'], async (step) => {
      const { decision } = step.page.form;
      if (decision === 'allow') return leave(step, interactions.allow(exchangeOf(step)));
      if (decision === 'deny') return leave(step, interactions.deny(exchangeOf(step)));
      await showConsent(step, consent, [{ key: 'consent.undecided' }], 400);
    }),
  );

  pages.post(
    '/interaction/:uid/select-account',
    at(['select_account'], async (step) => {
      const { account } = step.page.form;
      if (account === 'current') return leave(step, interactions.finishSelectAccount(exchangeOf(step)));
      if (account === 'other') return leave(step, interactions.switchAccount(exchangeOf(step)));
      await showAccounts(step, consent, [{ key: 'consent.undecided' }], 400);
    }),
  );

  pages.post(
    '/interaction/:uid/terms',
    at(['terms'], async (step) => {
      const { decision, version = '' } = step.page.form;
      if (decision === 'deny') return leave(step, interactions.deny(exchangeOf(step)));
      const isAccepted = decision === 'allow' && (await terms.accept(step.details.accountId ?? '', version));
      if (isAccepted) return leave(step, interactions.finishTerms(exchangeOf(step)));
      await showTerms(step, terms, [{ key: decision === 'allow' ? 'terms.changed' : 'consent.undecided' }], 400);
    }),
  );

  for (const name of ['consent', 'select-account', 'terms']) {
    pages.get(`/interaction/:uid/${name}`, async (page) => page.redirect((await open(page)).base));
  }
};
