import { Type } from '@sinclair/typebox';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { Principal } from '../../platform/ports.ts';
import type { Webauthn } from './service.ts';

const closed = { additionalProperties: false };
const options = Type.Object({ challenge: Type.String() }, { additionalProperties: true });
const RegisterBody = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 60 })),
    // WebAuthn L3 §5.1: `RegistrationResponseJSON`
    response: Type.Object({ id: Type.String({ minLength: 1, maxLength: 2048 }) }, { additionalProperties: true }),
  },
  closed,
);
const RegisteredView = Type.Object(
  { deviceId: Type.String({ format: 'uuid' }), recoveryCodes: Type.Array(Type.String()) },
  closed,
);

/** The session that asks, and no other, may answer. */
const bindingOf = ({ id, sessionId }: Principal): string => `session:${sessionId ?? id}`;

/**
 * Passkeys are made by whoever is signed in.
 * @param requireOwner MF-05: recent, and as strong as the factors there are
 */
export const mountWebauthnRoutes = (
  admin: AdminRoutes,
  { webauthn, requireOwner }: { webauthn: Webauthn; requireOwner(principal: Principal): Promise<void> },
): void => {
  admin.post(
    '/api/v1/mfa/webauthn/options',
    { summary: 'What the browser needs to make a passkey', permission: 'self', response: options, status: 200 },
    async ({ principal }) => {
      await requireOwner(principal);
      return { ...(await webauthn.registrationOptions(principal.id, bindingOf(principal))) };
    },
  );
  admin.post(
    '/api/v1/mfa/webauthn',
    { summary: 'Keep a passkey', permission: 'self', body: RegisterBody, response: RegisteredView, status: 201 },
    async ({ body, principal }) => {
      await requireOwner(principal);
      const made = await webauthn.register(principal.id, bindingOf(principal), body.response, body.name?.trim() ?? '');
      return { deviceId: made.deviceId, recoveryCodes: [...made.recoveryCodes] };
    },
  );
};
