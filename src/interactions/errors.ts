import { defineErrors } from '../platform/errors/index.ts';

/** Refusals of the hosted pages and the JSON sign-in; a sign-in that is gone is `interaction_not_found` of the provider. */
export const errors = defineErrors({
  approval_over: { status: 404, title: 'There is nothing of yours to answer' },
  email_unverified: { status: 403, title: 'The e-mail address has to be confirmed first; a code was mailed' },
  factor_code_refused: { status: 401, title: 'The code is wrong or was used before' },
  factor_enrolment_required: {
    status: 403,
    title: 'A second factor has to be set up first: sign in on the pages once, at enrolAt',
  },
  factor_sign_in_over: { status: 401, title: 'This sign-in is over; start again with the password' },
  link_refused: { status: 401, title: 'The code is wrong, or it was used, replaced or is too old' },
  login_refused: { status: 401, title: 'The e-mail address or the password is wrong' },
  password_refused: { status: 401, title: 'The current password is wrong' },
  refresh_refused: { status: 401, title: 'The refresh token is not valid any more' },
  confirmation_code_refused: { status: 400, title: 'The code is wrong' },
  confirmation_code_required: { status: 400, title: 'The code that was given to whoever asked is needed' },
  ticket_gone: { status: 400, title: 'The link or code is used, replaced or too old' },
  proof_of_work_required: { status: 429, title: 'Do the given proof of work and send it with the next try' },
  social_account_needed: {
    status: 409,
    title: 'Sign in to an account here first and connect this sign-in with it, or ask for a new account',
  },
  social_answer_refused: { status: 401, title: 'The answer of the provider could not be trusted' },
  social_code_refused: { status: 401, title: 'The code is used, too old, or of somebody else' },
  social_provider_not_found: { status: 404, title: 'There is no such provider' },
  social_provider_unavailable: { status: 502, title: 'The provider could not be reached or answered with an error' },
  social_sign_in_denied: { status: 403, title: 'The sign-in was not allowed at the provider' },
  social_sign_in_over: { status: 400, title: 'This sign-in is over, or was begun in another browser; start again' },
  social_sign_in_refused: { status: 403, title: 'This account cannot sign in' },
  terms_required: { status: 403, title: 'New terms have to be accepted: send their version as X-Accept-Terms' },
  registration_closed: { status: 404, title: 'Sign-up is closed at this site' },
});
