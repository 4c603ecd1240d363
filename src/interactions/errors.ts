import { defineErrors } from '../platform/errors/index.ts';

/** Refusals of the hosted pages; a sign-in that is gone is `interaction_not_found` of the provider. */
export const errors = defineErrors({
  registration_closed: { status: 404, title: 'Sign-up is closed at this site' },
});
