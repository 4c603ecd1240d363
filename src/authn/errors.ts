import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  code_refused: { status: 401, title: 'The code was not accepted' },
  factor_address_unverified: { status: 409, title: 'The account has no mail address that was confirmed' },
  factor_device_not_found: { status: 404, title: 'There is no such device' },
  factor_is_last: { status: 409, title: 'A policy asks this account for a second factor, and this is the last one' },
  factor_limit_reached: { status: 409, title: 'The account has as many devices as it may have' },
  factor_not_offered: { status: 409, title: 'Codes cannot be sent by this way here' },
  factor_not_pending: { status: 409, title: 'This device is not waiting to be confirmed' },
  factor_phone_invalid: { status: 400, title: 'This is not a phone number with its country code' },
  factor_policy_not_found: { status: 404, title: 'There is no such policy' },
  factor_policy_target: { status: 400, title: 'A policy for the site has no target; any other names one' },
  factors_locked: { status: 429, title: 'Too many wrong codes; try again later' },
  flow_expired: { status: 401, title: 'This sign-in has expired; start again' },
  hashing_busy: { status: 503, title: 'We are busy; the password was not checked' },
  identity_provider_exists: { status: 409, title: 'There is a provider of that name' },
  identity_provider_not_found: { status: 404, title: 'There is no such identity provider' },
  no_factor: { status: 409, title: 'The account has no second factor' },
  passkey_refused: { status: 400, title: 'The passkey could not be verified; begin again' },
  social_account_is_last: { status: 409, title: 'This is the last way into the account' },
  social_account_not_found: { status: 404, title: 'No such sign-in is connected to the account' },
});
