import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  assignment_exists: { status: 409, title: 'This assignment is there already for that time' },
  assignment_not_found: { status: 404, title: 'There is no such assignment' },
  grant_not_yours: { status: 403, title: 'You cannot give or take what you do not hold yourself' },
  group_not_found: { status: 404, title: 'There is no such group' },
  last_super_admin: { status: 409, title: 'The last SUPER_ADMIN stays' },
  organization_not_found: { status: 404, title: 'There is no such organization' },
  permission_exists: { status: 409, title: 'A permission with this name exists' },
  permission_in_use: { status: 409, title: 'Roles or people hold this permission' },
  permission_not_found: { status: 404, title: 'There is no such permission' },
  permission_unknown: { status: 400, title: 'A permission is not in the catalogue' },
  role_cycle: { status: 400, title: 'A role cannot inherit from itself' },
  role_exists: { status: 409, title: 'A role with this name exists' },
  role_is_system: { status: 409, title: 'This role belongs to Castellan itself' },
  role_not_found: { status: 404, title: 'There is no such role' },
  role_too_deep: { status: 400, title: 'Roles inherit over ten steps at most' },
  user_not_found: { status: 404, title: 'There is no such user' },
});
