import { Type } from '@sinclair/typebox';
import type { AnswerOutcome, OpenFlow, ProofOutcome, SignInOutcome, SignInPlace, Webauthn } from '../../../authn/index.ts';
import { randomSecret } from '../../../platform/crypto/index.ts';
import type { AdminRoutes } from '../../../platform/http/index.ts';
import { errors } from '../../errors.ts';
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
  clientId: string;
}

const closed = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 1024 });
/** WebAuthn L3 §5.1: JSON forms of the browser's own types. */
const credential = Type.Object({ id: text }, { additionalProperties: true });
const options = Type.Object({ challenge: text }, { additionalProperties: true });

const ChallengeBody = Type.Object({ mfaToken: text }, closed);
const ValidateBody = Type.Object({ mfaToken: text, response: credential }, closed);
const PasskeyOptions = Type.Object({ flow: text, options }, closed);
const PasskeyBody = Type.Object({ flow: text, response: credential, mode: Mode }, closed);

/** Passkeys of the JSON sign-in: as second factor, and instead of a password (FEATURES A7). */
export const mountPasskeyRoutes = (admin: AdminRoutes, { api, authn, clientId }: PasskeyRouteDeps): void => {
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
      const { flow: token } = api.modes.readMfaToken(body.mfaToken, request);
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
      const { flow, mode } = api.modes.readMfaToken(body.mfaToken, request);
      const prove = ({ accountId }: { accountId: string }) => authn.provePasskey(accountId, flow, body.response);
      return api.answered(await authn.flows.answer(flow, 'api', prove), request, mode);
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
      const mode = api.modes.chosen(body.mode, request);
      const { ip, userAgent } = request;
      const place = { channel: 'api', clientId, from: { ip, userAgent, isBrowser: false } } as const;
      return api.answerTo(await authn.signInByPasskey(body.flow, body.response, place), request, mode);
    },
  );
};
