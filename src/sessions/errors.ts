import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  session_not_found: { status: 404, title: 'There is no such session' },
});
