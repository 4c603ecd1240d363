import { type PasswordProblem, type RegistrationProblem as Problem, passwordLength, type TermsView } from '../../authn/index.ts';
import type { PageContext, RequestInfo } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { flowOf, keepFlow, tooMany } from '../recovery/page.ts';
import type { FormError } from '../steps.ts';
import type { Offer } from '../upstream/view.ts';

/** What `authn` says about a new account. `accepted` is the answer for a new and for a taken address (PW-05). */
export type RegistrationOutcome =
  | { kind: 'accepted'; accountId: string; email: string; flow: string; shown: string; expiresAt: Date }
  /** RS-04 */
  | { kind: 'limited'; until: Date }
  | { kind: 'invalid'; problems: readonly RegistrationProblem[] }
  | { kind: 'busy'; retryAfterSeconds: number };

export type RegistrationProblem = Problem | 'refused';

export interface Registration {
  /** The terms that a new account accepts, where there are any. */
  termsFor(locale: string): Promise<TermsView | undefined>;
  register(wish: {
    email: string;
    password: string;
    name?: string | undefined;
    claims?: Record<string, unknown> | undefined;
    request: RequestInfo;
    acceptedTerms?: string | undefined;
    /** What the browser holds of an earlier mail. */
    flow?: string | undefined;
    locale?: string | undefined;
  }): Promise<RegistrationOutcome>;
}

interface SignupPlace {
  action: string;
  loginUrl: string | undefined;
  offers?: readonly Offer[] | undefined;
  needsApproval: boolean;
  terms: TermsView | undefined;
  clock: Clock;
  show(template: string, values: Record<string, unknown>, status?: number): void;
}

/** PW-07: the reasons in words, at the field where the password was chosen. */
export const passwordErrors = (field: string): Record<PasswordProblem, FormError> => ({
  password_short: { field, key: 'signup.short_password', values: { count: passwordLength.least } },
  password_long: { field, key: 'signup.long_password', values: { count: passwordLength.most } },
  password_breached: { field, key: 'signup.breached_password' },
  password_personal: { field, key: 'signup.personal_password' },
  password_weak: { field, key: 'signup.weak_password' },
  password_used: { field, key: 'signup.used_password' },
});

const problems: Record<RegistrationProblem, FormError> = {
  email_invalid: { field: 'login', key: 'signup.invalid_login' },
  email_domain: { field: 'login', key: 'signup.domain' },
  terms_missing: { field: 'terms', key: 'signup.missing_terms' },
  ...passwordErrors('password'),
  refused: { key: 'signup.refused' },
};

interface SignupForm {
  name: string;
  login: string;
  errors: readonly FormError[];
}

export const showSignup = (
  { action, loginUrl, offers, needsApproval, terms, show }: SignupPlace,
  form?: SignupForm,
  status = 200,
): void => show('signup', { action, loginUrl, offers, needsApproval, terms, ...form }, status);

/** As the form and the JSON interface have it. */
export const longestName = 200;

const missing = (email: string, password: string): FormError[] => [
  ...(email === '' ? [{ field: 'login', key: 'signup.missing_login' }] : []),
  ...(password === '' ? [{ field: 'password', key: 'signup.missing_password' }] : []),
];

/** Makes the account. The address when accepted; else the page is shown again and `undefined` returned. */
export const submitSignup = async (page: PageContext, place: SignupPlace, authn: Registration): Promise<string | undefined> => {
  const name = (page.form.name ?? '').trim().slice(0, longestName);
  const login = (page.form.login ?? '').trim();
  const password = page.form.password ?? '';
  const refuse = (errors: readonly FormError[], status: number): undefined => {
    showSignup(place, { name, login, errors }, status);
    return undefined;
  };

  const gaps = missing(login, password);
  if (gaps.length > 0) return refuse(gaps, 400);
  const { request, locale } = page;
  const { flow } = flowOf(page);
  const outcome = await authn.register({
    email: login,
    password,
    name: name || undefined,
    request,
    acceptedTerms: page.form.terms,
    flow,
    locale,
  });
  switch (outcome.kind) {
    case 'accepted':
      keepFlow(page, outcome);
      return login;
    case 'invalid':
      return refuse(
        outcome.problems.map((problem) => problems[problem]),
        400,
      );
    case 'limited':
      return refuse([tooMany(page, outcome.until, place.clock.now())], 429);
    default:
      page.ctx.set('Retry-After', String(outcome.retryAfterSeconds));
      return refuse([{ key: 'login.busy' }], 503);
  }
};
