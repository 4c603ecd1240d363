import { defineErrors } from '../platform/errors/index.ts';

export const errors = defineErrors({
  client_not_found: { status: 404, title: 'There is no such client' },
  client_exists: { status: 409, title: 'A client with this id exists' },
  client_invalid: { status: 400, title: 'The client metadata is not valid' },
  client_is_builtin: { status: 409, title: 'This client belongs to Castellan itself' },
  client_not_yours: { status: 403, title: 'This client is not yours to manage' },
  secret_is_last: { status: 409, title: 'This is the only secret of the client' },
  secret_not_found: { status: 404, title: 'There is no such client secret' },
  secret_not_used: { status: 409, title: 'This client does not authenticate with a secret' },
  secrets_exhausted: { status: 409, title: 'Two secrets are live; remove one first' },
  resource_not_found: { status: 404, title: 'There is no such resource' },
  resource_exists: { status: 409, title: 'A resource with this identifier exists' },
  resource_identifier_fixed: { status: 409, title: 'The identifier of a resource stays as it is' },
  resource_invalid: { status: 400, title: 'The resource is not valid' },
  resource_is_builtin: { status: 409, title: 'This resource belongs to Castellan itself' },
  interaction_not_found: { status: 400, title: 'This sign-in is over or belongs to another browser' },
  bootstrap_invalid: { status: 400, title: 'The bootstrap file has mistakes' },
  key_algorithm_unknown: { status: 400, title: 'There is no such signing algorithm' },
  key_retired: { status: 409, title: 'This key is retired already' },
  key_not_found: { status: 404, title: 'There is no such signing key' },
});
