import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  account_address_is_owners: { status: 409, title: 'The address is changed by its owner, who confirms it' },
  account_exists: { status: 409, title: 'There is an account with this address' },
  account_not_found: { status: 404, title: 'There is no such account' },
  account_status: { status: 409, title: 'The account is not in a state that allows this' },
  group_cycle: { status: 400, title: 'A group cannot be below itself' },
  group_exists: { status: 409, title: 'A group with this name exists' },
  group_has_groups: { status: 409, title: 'There are groups below it' },
  group_member_elsewhere: { status: 409, title: 'This person is no member of the organization of the group' },
  group_member_exists: { status: 409, title: 'This person is in the group' },
  group_too_deep: { status: 400, title: 'Groups nest over ten steps at most' },
  organization_cycle: { status: 400, title: 'An organization cannot be below itself' },
  organization_exists: { status: 409, title: 'There is an organization with this slug' },
  organization_member_exists: { status: 409, title: 'This person is a member' },
  organization_too_deep: { status: 400, title: 'Organizations nest over ten steps at most' },
});
