import type { RouteCaller } from '../../../authz/index.ts';
import type { Manager } from '../../../oidc/index.ts';

/** As the routes of the API hand the caller over. */
export const managerOf = ({ principal: { type, id }, reach, organizationIds }: RouteCaller): Manager =>
  reach === 'any' ? { actor: { type, id } } : { actor: { type, id }, organizationIds };
