import { Type } from '@sinclair/typebox';
import { type AdminRoutes, listOf, personOf } from '../../../platform/http/index.ts';
import type { Principal } from '../../../platform/ports.ts';
import type { SocialAccounts } from './links.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const time = Type.String({ format: 'date-time' });

const SocialAccountView = Type.Object(
  {
    id,
    provider: Type.String(),
    providerName: Type.String(),
    name: nullable,
    email: nullable,
    linkedAt: time,
    lastUsedAt: Type.Union([time, Type.Null()]),
  },
  closed,
);
const SocialAccountList = listOf(SocialAccountView);
const SocialAccountParams = Type.Object({ id }, closed);

const base = '/api/v1/auth/social';

/** A person's own; connecting one more is done in a browser, on `/account/security`. */
export const mountSocialAccountRoutes = (
  admin: AdminRoutes,
  { accounts, requireOwner }: { accounts: SocialAccounts; requireOwner(principal: Principal): Promise<void> },
): void => {
  admin.get(
    base,
    { summary: 'List the sign-ins connected to my account', permission: 'self', response: SocialAccountList, status: 200 },
    async ({ principal }) => ({ items: await accounts.list(personOf(principal)), nextCursor: null }),
  );
  admin.delete(
    `${base}/:id`,
    { summary: 'Disconnect one', permission: 'self', params: SocialAccountParams, status: 204 },
    async ({ params, principal }) => {
      await requireOwner(principal);
      await accounts.remove(principal.id, params.id);
      return undefined;
    },
  );
};
