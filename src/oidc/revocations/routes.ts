import { Type } from '@sinclair/typebox';
import { recentSeconds } from '../../platform/assurance/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import { errors } from '../errors.ts';
import type { Revocations } from './service.ts';

const closed = { additionalProperties: false };
const RevocationBody = Type.Object(
  {
    organizationId: Type.Optional(Type.String({ format: 'uuid' })),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  closed,
);
const RevocationView = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    scope: Type.Union([Type.Literal('everything'), Type.Literal('organization')]),
    organizationId: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    revokedBefore: Type.String({ format: 'date-time' }),
  },
  closed,
);

const permission = 'token:revoke';

/** The emergency switch. */
export const mountRevocationRoutes = (admin: AdminRoutes, revocations: Pick<Revocations, 'revoke'>): void =>
  admin.post(
    '/api/v1/revocations',
    {
      summary: 'End every session and token issued before now: of one organization, or of everybody where none is named',
      permission,
      stepUp: { maxAgeSeconds: recentSeconds },
      body: RevocationBody,
      response: RevocationView,
      status: 201,
    },
    async ({ body: { organizationId, reason }, principal, reach, organizationIds }) => {
      const isEverywhere = reach === 'any';
      if (!isEverywhere && organizationId === undefined) {
        throw shared.permission_required({ detail: `The permission ${permission}:any is required`, extensions: { permission } });
      }
      if (!isEverywhere && !organizationIds.includes(organizationId ?? '')) throw errors.revocation_scope_unknown();
      const actor = { type: principal.type, id: principal.id } as const;
      const { id, revokedBefore } = await revocations.revoke({ organizationId, reason, actor, clientId: principal.clientId });
      const scope = organizationId === undefined ? 'everything' : 'organization';
      return { id, scope, organizationId: organizationId ?? null, revokedBefore: revokedBefore.toISOString() } as const;
    },
  );
