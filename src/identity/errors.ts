import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  account_not_found: { status: 404, title: 'There is no such account' },
  account_status: { status: 409, title: 'The account is not in a state that allows this' },
});
