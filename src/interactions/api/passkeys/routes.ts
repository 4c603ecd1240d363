import { Type } from '@sinclair/typebox';
import type { AnswerOutcome, OpenFlow, ProofOutcome, SignInOutcome, SignInPlace, Webauthn } from '../../../authn/index.ts';
import { randomSecret } from '../../../platform/crypto/index.ts';
import type { AdminRoutes } from '../../../platform/http/index.ts';
import { errors } from '../../errors.ts';
import { deviceFields, rememberFields } from '../devices.ts';
import { LoginView, Mode, TokenView } from '../schema.ts';
import type { AuthApi } from '../service.ts';

/** What `authn` does for passkeys of the JSON sign-in. */
export interface PasskeyAuthn {
  webauthn: Pick<Webauthn, 'requestOptions'>;
  provePasskey(accountId: string, binding: string, response: unknown): Promise<ProofOutcome>;
  signInByPasskey(binding: string, response: unknown, place: SignInPlace): Promise<SignInOutcome>;
  flows: {
    pending(token: string, channel: 'api'): Promise<OpenFlow | undefined>;
    answer(
      token: string,
      channel: 'api',
      prove: (flow: { id: string; accountId: string }) => Promise<ProofOutcome>,
    ): Promise<AnswerOutcome>;
  };
}

export interface PasskeyRouteDeps {
  api: AuthApi;
  authn: PasskeyAuthn;
}

const closed = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 1024 });
/** WebAuthn L3 §5.1: JSON forms of the browser's own types. */
const credential = Type.Object({ id: text }, { additionalProperties: true });
const options = Type.Object({ challenge: text }, { additionalProperties: true });

const ChallengeBody = Type.Object({ mfaToken: text }, closed);
const ValidateBody = Type.Object({ mfaToken: text, response: credential, ...rememberFields }, closed);
const PasskeyOptions = Type.Object({ flow: text, options }, closed);
const PasskeyBody = Type.Object({ flow: text, response: credential, mode: Mode, ...deviceFields }, closed);

/** Passkeys of the JSON sign-in: as second factor, and instead of a password (FEATURES A7). */
export const mountPasskeyRoutes = (admin: AdminRoutes, { api, authn }: PasskeyRouteDeps): void => {
  admin.post(
    '/api/v1/mfa/webauthn/challenge',
    {
      summary: 'What the browser needs to ask for a passkey as second factor',
      permission: 'public',
      body: ChallengeBody,
      response: options,
      status: 200,
    },
    async ({ body, request }) => {
      const { flow: token } = api.modes.readMfaToken(body, request);
      const flow = await authn.flows.pending(token, 'api');
      if (!flow) throw errors.factor_sign_in_over({ headers: { 'WWW-Authenticate': 'Bearer' } });
      return { ...(await authn.webauthn.requestOptions(token, flow.accountId)) };
    },
  );
  admin.post(
    '/api/v1/mfa/webauthn/validate',
    {
      summary: 'Finish a sign-in by a passkey',
      permission: 'public',
      body: ValidateBody,
      response: TokenView,
      status: 200,
    },
    async ({ body, request }) => {
      const { response, ...wish } = body;
      const { flow, way } = api.modes.readMfaToken(wish, request);
      const prove = ({ accountId }: { accountId: string }) => authn.provePasskey(accountId, flow, response);
      return api.answered(await authn.flows.answer(flow, 'api', prove), request, way);
    },
  );
  admin.post(
    '/api/v1/auth/passkey/options',
    { summary: 'What the browser needs to ask for any passkey', permission: 'public', response: PasskeyOptions, status: 200 },
    async () => {
      const flow = randomSecret();
      return { flow, options: { ...(await authn.webauthn.requestOptions(flow)) } };
    },
  );
  admin.post(
    '/api/v1/auth/passkey',
    { summary: 'Sign in by a passkey alone', permission: 'public', body: PasskeyBody, response: LoginView, status: 200 },
    async ({ body, request }) => {
      const { flow, response, ...wish } = body;
      const way = api.modes.chosen(wish, request);
      return api.answerTo(await authn.signInByPasskey(flow, response, api.placeIn(way, request)), request, way);
    },
  );
};
