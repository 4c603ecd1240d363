import { Type } from '@sinclair/typebox';
import type { Upstream } from '../../authn/index.ts';
import { constantTimeEqual, sha256 } from '../../platform/crypto/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, answer, ownPath, type PageRoutes } from '../../platform/http/index.ts';
import { deviceFields } from '../api/devices.ts';
import { LoginView, Mode } from '../api/schema.ts';
import type { AuthApi } from '../api/service.ts';
import { errors } from '../errors.ts';
import { heldBy, toHold } from './browser.ts';
import { mountUpstreamCallback } from './page.ts';

const closed = { additionalProperties: false };
const ProviderParams = Type.Object({ provider: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }) }, closed);
const StartQuery = Type.Object(
  {
    returnTo: Type.Optional(Type.String({ maxLength: 2000 })),
    // RFC 7636 §4.2, S256
    codeChallenge: Type.Optional(Type.String({ pattern: '^[\\w-]{43}$' })),
    loginHint: Type.Optional(Type.String({ minLength: 1, maxLength: 320 })),
    signUp: Type.Optional(Type.Boolean()),
  },
  closed,
);
const ExchangeBody = Type.Object(
  {
    code: Type.String({ pattern: '^[\\w-]{43}$' }),
    codeVerifier: Type.String({ pattern: '^[\\w.~-]{43,128}$' }),
    mode: Mode,
    ...deviceFields,
  },
  closed,
);

export interface SocialRouteDeps {
  upstream: Upstream;
  api: Pick<AuthApi, 'answerTo' | 'clientId' | 'modes'>;
  /** RU-05: whether an application of our own registered the address. */
  isOwnAddress(uri: string): Promise<boolean>;
}

const base = '/api/v1/auth/social';

/** The classic way in by another provider (FEATURES A5), for applications that call the API. */
const mountSocialRoutes = (admin: AdminRoutes, { upstream, api, isOwnAddress }: SocialRouteDeps): void => {
  const invalid = (path: string, message: string) => shared.invalid_request({ errors: [{ path, message }] });

  /** RU-05. @throws invalid_request */
  const checkReturn = async (returnTo: string | undefined, challenge: string | undefined): Promise<void> => {
    if (returnTo === undefined) return;
    const isOurs = ownPath(returnTo) !== undefined || (await isOwnAddress(returnTo));
    if (!isOurs) throw invalid('query/returnTo', 'must be a path of this site or a redirect URI of one of its own applications');
    // Whoever reads the address the person comes back to must not be able to use the code in it (RFC 9700 §4.5).
    if (challenge === undefined) throw invalid('query/codeChallenge', 'is required with returnTo');
  };

  admin.get(
    `${base}/:provider`,
    {
      summary: 'Sign in with another provider: open this in a browser',
      permission: 'public',
      params: ProviderParams,
      query: StartQuery,
      status: 302,
    },
    async ({ params, query, request }) => {
      const { returnTo, codeChallenge: challenge, loginHint, signUp: mayCreate = false } = query;
      await checkReturn(returnTo, challenge);
      const errand = { purpose: 'api', clientId: api.clientId, mayCreate, returnTo, challenge } as const;
      const outcome = await upstream.flows.start(params.provider, errand, { loginHint }, heldBy(request));
      if (outcome.kind === 'unknown') throw errors.social_provider_not_found();
      if (outcome.kind === 'failed') throw errors.social_provider_unavailable();
      return answer({ status: 302, headers: { Location: outcome.url }, cookies: [toHold(outcome.browser)] });
    },
  );
  admin.post(
    `${base}/token`,
    {
      summary: 'Trade the code that a sign-in with returnTo ended with for the login answer',
      permission: 'public',
      body: ExchangeBody,
      response: LoginView,
      status: 200,
    },
    async ({ body, request }) => {
      const { code, codeVerifier, ...wish } = body;
      const way = api.modes.chosen(wish, request);
      const found = await upstream.waiting.takeForExchange(code);
      if (!found || !constantTimeEqual(sha256(codeVerifier), found.challenge)) throw errors.social_code_refused();
      return api.answerTo(found.outcome, request, way);
    },
  );
};

/** The way there, and the way back that all errands share. */
export const mountUpstream = ({ admin, pages }: { admin: AdminRoutes; pages: PageRoutes }, deps: SocialRouteDeps): void => {
  mountSocialRoutes(admin, deps);
  mountUpstreamCallback(pages, deps);
};
