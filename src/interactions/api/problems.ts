import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import type { RegistrationProblem } from '../signup/page.ts';

const problemWords: Record<RegistrationProblem, { path: string; message: string }> = {
  email_invalid: { path: '/email', message: 'is not an e-mail address that can be used here' },
  email_domain: { path: '/email', message: 'is of a domain that cannot be used here' },
  terms_missing: { path: 'headers/x-accept-terms', message: 'must name the version of the terms in force' },
  password_short: { path: '/password', message: 'must have at least 8 characters' },
  password_long: { path: '/password', message: 'must have at most 128 characters' },
  password_weak: { path: '/password', message: 'is too easy to guess' },
  password_breached: { path: '/password', message: 'has appeared in a data breach' },
  password_personal: { path: '/password', message: 'must not be made of your name or address' },
  password_used: { path: '/password', message: 'was used before' },
  refused: { path: '', message: 'is refused' },
};

/** What is wrong with a password or an address, by its field. */
export const passwordProblems = (problems: readonly RegistrationProblem[], passwordPath = '/password') => {
  const words = problems.map((problem) => problemWords[problem]);
  const placed = words.map(({ path, message }) => ({ path: path === '/password' ? passwordPath : path, message }));
  return shared.invalid_request({ errors: placed });
};

export const retryAfter = (seconds: number) => ({ headers: { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) } });
export const busy = ({ retryAfterSeconds }: { retryAfterSeconds: number }) => shared.unavailable(retryAfter(retryAfterSeconds));
// A factor is made on the hosted pages: no method here can go on.
export const enrolmentNeeded = () => errors.factor_enrolment_required({ extensions: { enrolAt: '/account/security' } });
// RFC 9110 §11.6.1
export const challenge = { headers: { 'WWW-Authenticate': 'Bearer' } };
