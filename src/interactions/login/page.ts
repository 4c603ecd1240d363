import type {
  Authenticated,
  KnownDevices,
  SignInCode,
  SignInLink,
  SignInOutcome,
  SignInPlace,
  Verification,
  WorkTask,
} from '../../authn/index.ts';
import type { RequestInfo } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { flowKey, signInPlace } from '../mfa/page.ts';
import { postedPasskey } from '../mfa/passkey.ts';
import { flowOf, keepFlow, spaced, tooMany } from '../recovery/page.ts';
import type { FormError, StepContext } from '../steps.ts';
import { broughtBy } from './browser.ts';

/** Hosted pages and the JSON sign-in ask the same service (DESIGN.md, decision 4). */
export interface PasswordSignIn {
  signIn(attempt: {
    login: string;
    password: string;
    request: RequestInfo;
    clientId?: string | undefined;
    place?: SignInPlace | undefined;
    device?: string | undefined;
    work?: string | undefined;
    mailed?: { flow: string; code: string } | undefined;
  }): Promise<SignInOutcome>;
  /** @param binding the sign-in whose question the passkey answered */
  signInByPasskey(binding: string, response: unknown, place: SignInPlace): Promise<SignInOutcome>;
}

export interface LoginDeps {
  authn: PasswordSignIn;
  clock: Clock;
  isSignupOpen: boolean;
  /** Sign-ups wait for an administrator. */
  needsApproval: boolean;
  verification: Pick<Verification, 'askOf'>;
  knownDevices: KnownDevices;
  signInCode: Pick<SignInCode, 'ask'>;
  signInLink: SignInLink;
}

interface LoginForm {
  login?: string | undefined;
  errors?: readonly FormError[] | undefined;
  notice?: { kind: string; key: string } | undefined;
  /** Proof of work to be done with the next try. */
  task?: WorkTask | undefined;
  /** A code was mailed in its place. */
  hasCode?: boolean | undefined;
}

const hinted = ({ details }: StepContext): string | undefined => {
  const hint = details.params.login_hint;
  return typeof hint === 'string' && hint.length <= 320 ? hint : undefined;
};

/** @param status 200, 400 for an unfinished form, 401 refused, 429 stopped, 503 busy */
export const showLogin = (
  step: StepContext,
  { isSignupOpen, signInLink }: Pick<LoginDeps, 'isSignupOpen' | 'signInLink'>,
  form: LoginForm = {},
  status = 200,
): void => {
  const isAgain = step.details.accountId !== undefined && !step.details.isSwitch && form.notice === undefined;
  const { offers, connecting, problem } = step.upstream ?? { offers: [] };
  step.show(
    'login',
    {
      action: `${step.base}/login`,
      login: form.login ?? hinted(step),
      errors: form.errors ?? [],
      task: form.task,
      hasCode: form.hasCode,
      isLinkOffered: signInLink.isOffered,
      notice: isAgain ? { kind: 'info', key: 'login.again' } : form.notice,
      offers,
      connecting,
      connectUrl: `${step.base}/connect`,
      problem,
      canCancel: !step.details.isDevice,
      passkeyUrl: `${step.base}/passkey`,
      signupUrl: isSignupOpen ? `${step.base}/signup` : undefined,
    },
    status,
  );
};

const missing = (login: string, password: string): FormError[] => [
  ...(login === '' ? [{ field: 'login', key: 'login.missing_login' }] : []),
  ...(password === '' ? [{ field: 'password', key: 'login.missing_password' }] : []),
];

const secondsUntil = (until: Date, clock: Clock): number =>
  Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000));

/** A11: without script, a mailed code stands in for proof of work. The same page for everybody (PW-05). */
export const mailCode = async (step: StepContext, deps: LoginDeps): Promise<void> => {
  const { page, locale } = step;
  const login = (page.form.login ?? '').trim();
  if (login === '' || login.length > 320) return showLogin(step, deps, { login, errors: missing(login, 'x') }, 400);
  const outcome = await deps.signInCode.ask(login, { ip: page.request.ip, flow: flowOf(page).flow, locale });
  if (outcome.kind === 'limited') {
    return showLogin(step, deps, { login, errors: [tooMany(page, outcome.until, deps.clock.now())] }, 429);
  }
  keepFlow(page, outcome);
  showLogin(step, deps, { login, hasCode: true, notice: { kind: 'info', key: 'login.code_sent' } });
};

/** A3: who it is, is proven, but the address is not; the sign-in begins again once it is. */
const askToVerify = async (step: StepContext, { verification }: LoginDeps, accountId: string): Promise<void> => {
  const { page, locale } = step;
  const asked = await verification.askOf(accountId, { ip: page.request.ip, flow: flowOf(page).flow, locale });
  keepFlow(page, asked);
  const values = { about: 'verify_first', shown: spaced(asked.shown), again: '/verify/again', hasCode: true };
  step.show('mail-sent', values, 403);
};

/** Checks the posted password. The outcome when it is right, `more` when a second factor comes next; else the page is shown again. */
export const submitLogin = async (step: StepContext, deps: LoginDeps): Promise<Authenticated | 'more' | undefined> => {
  const { page, details } = step;
  const login = (page.form.login ?? '').trim();
  const password = page.form.password ?? '';
  const refuse = (errors: FormError[], status: number): undefined => {
    showLogin(step, deps, { login, errors }, status);
    return undefined;
  };

  const passkey = postedPasskey(page.form.assertion);
  const gaps = passkey ? [] : missing(login, password);
  if (gaps.length > 0) return refuse(gaps, 400);
  const { clientId } = details.client;
  const place = signInPlace(step);
  const outcome = passkey
    ? await deps.authn.signInByPasskey(flowKey(step), passkey, place)
    : await deps.authn.signIn({ login, password, request: page.request, clientId, place, ...broughtBy(page) });
  switch (outcome.kind) {
    case 'authenticated':
      return outcome;
    case 'needs_factor':
    case 'needs_enrolment':
      return 'more';
    case 'needs_verification':
      await askToVerify(step, deps, outcome.accountId);
      return undefined;
    case 'locked': {
      const seconds = secondsUntil(outcome.until, deps.clock);
      page.ctx.set('Retry-After', String(seconds));
      return refuse([{ key: 'login.locked', values: { count: Math.ceil(seconds / 60) } }], 429);
    }
    case 'needs_work':
      page.ctx.set('Retry-After', '1');
      showLogin(
        step,
        deps,
        { login, task: outcome.task, hasCode: page.form.code !== undefined, errors: [{ key: 'login.work' }] },
        429,
      );
      return undefined;
    case 'busy':
      page.ctx.set('Retry-After', String(outcome.retryAfterSeconds));
      return refuse([{ key: 'login.busy' }], 503);
    default:
      // PW-05: one answer for unknown, wrong, locked and disabled.
      showLogin(step, deps, { login, task: outcome.task, errors: [{ key: passkey ? 'passkey.refused' : 'login.refused' }] }, 401);
      return undefined;
  }
};
