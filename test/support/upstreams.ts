import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';

/** A sign-in page that asks nobody: whoever is `person` comes back at once. */
export interface StandIn {
  url: string;
  /** The authorization requests that came, oldest first. */
  asked: URLSearchParams[];
  /** Bodies of the token requests that came. */
  redeemed: URLSearchParams[];
  /** Back to how it was made. */
  reset(): void;
  close(): Promise<void>;
}

export const upstreamClient = { id: 'castellan-at-upstream', secret: 'a-secret-that-the-upstream-gave-out' };

interface Code {
  challenge: string;
  redirectUri: string;
  nonce: string | undefined;
  /** What the answer is about, as it was when the person signed in there. */
  person: Record<string, unknown>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL, body: URLSearchParams) => void | Promise<void>;

const listen = async (handlers: Record<string, Handler>): Promise<{ url: string; close(): Promise<void> }> => {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const handler = handlers[url.pathname];
      if (!handler) response.writeHead(404).end();
      else void handler(request, response, url, new URLSearchParams(Buffer.concat(chunks).toString()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));

/** Codes, PKCE and the client's secret are checked as a provider would. */
const createDesk = () => {
  const codes = new Map<string, Code>();
  const asked: URLSearchParams[] = [];
  const redeemed: URLSearchParams[] = [];
  const tokens = new Map<string, Record<string, unknown>>();
  return {
    asked,
    redeemed,
    tokens,
    authorize: (
      response: ServerResponse,
      query: URLSearchParams,
      person: Record<string, unknown>,
      more: Record<string, string>,
      error?: string,
    ): void => {
      asked.push(query);
      const redirectUri = query.get('redirect_uri') ?? '';
      const challenge = query.get('code_challenge') ?? '';
      const code = randomUUID();
      codes.set(code, { challenge, redirectUri, nonce: query.get('nonce') ?? undefined, person: { ...person } });
      const target = new URL(redirectUri);
      const state = query.get('state') ?? '';
      const answer = error === undefined ? { code, state, ...more } : { error, state, ...more };
      for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value);
      response.writeHead(302, { location: target.href }).end();
    },
    /** @returns `undefined` when the request is not right */
    redeem: (request: IncomingMessage, body: URLSearchParams): Code | undefined => {
      redeemed.push(body);
      const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      // RFC 6749 §2.3.1: both are form-encoded first.
      const [id, secret] = basic
        ? Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent)
        : [body.get('client_id'), body.get('client_secret')];
      const code = codes.get(body.get('code') ?? '');
      codes.delete(body.get('code') ?? '');
      const verifier = createHash('sha256')
        .update(body.get('code_verifier') ?? '')
        .digest('base64url');
      const isRight =
        id === upstreamClient.id &&
        secret === upstreamClient.secret &&
        code?.challenge === verifier &&
        code.redirectUri === body.get('redirect_uri');
      return isRight ? code : undefined;
    },
    tokenFor: (person: Record<string, unknown>): string => {
      const token = `token-${randomUUID()}`;
      tokens.set(token, person);
      return token;
    },
    holderOf: (request: IncomingMessage) => tokens.get(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''),
  };
};

export interface OidcStandIn extends StandIn {
  /** Claims of the ID token, beside those of the protocol. */
  person: Record<string, unknown>;
  /** Changes the ID token's claims last. */
  spoil: JWTPayload;
  /** Claims that are left out of the ID token. */
  without: string[];
  alg: 'RS256' | 'none' | 'foreign';
  /** RFC 6749 §4.1.2.1, in place of a code. */
  error: string | undefined;
  /** Added to the redirect: RFC 9207 `iss`… */
  answer: Record<string, string>;
  /** The token endpoint's status, where it fails. */
  status: number | undefined;
  /** Answers never. */
  isSilent: boolean;
}

/** An OpenID provider as Google is one: discovery, RS256 ID tokens, `iss` in the answer where `isNamed`. */
export const openOidcStandIn = async ({ isNamed = false } = {}): Promise<OidcStandIn> => {
  const desk = createDesk();
  const own = await generateKeyPair('RS256');
  const foreign = await generateKeyPair('RS256');
  const usual = {
    person: { sub: '10769150350006150715113082367', email: 'jane@gmail.com', email_verified: true, name: 'Jane Roe' },
    spoil: {},
    without: [] as string[],
    alg: 'RS256' as const,
    error: undefined,
    answer: {},
    status: undefined,
    isSilent: false,
  };
  const state: Omit<OidcStandIn, keyof StandIn> = { ...usual };
  const idToken = async ({ nonce, person }: Code): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const claims: JWTPayload = {
      iss: server.url,
      aud: upstreamClient.id,
      azp: upstreamClient.id,
      iat: now,
      exp: now + 3600,
      ...(nonce === undefined ? {} : { nonce }),
      ...person,
      ...state.spoil,
    };
    for (const name of state.without) delete claims[name];
    if (state.alg === 'none') return new UnsecuredJWT(claims).encode();
    const { privateKey } = state.alg === 'foreign' ? foreign : own;
    return await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
  };
  const server = await listen({
    '/.well-known/openid-configuration': (_request, response) => {
      if (state.isSilent) return;
      json(response, {
        issuer: server.url,
        authorization_endpoint: `${server.url}/o/oauth2/v2/auth`,
        token_endpoint: `${server.url}/token`,
        userinfo_endpoint: `${server.url}/v1/userinfo`,
        jwks_uri: `${server.url}/oauth2/v3/certs`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        code_challenge_methods_supported: ['S256'],
        ...(isNamed ? { authorization_response_iss_parameter_supported: true } : {}),
      });
    },
    '/o/oauth2/v2/auth': (_request, response, url) =>
      desk.authorize(
        response,
        url.searchParams,
        state.person,
        { ...(isNamed ? { iss: server.url } : {}), ...state.answer },
        state.error,
      ),
    '/token': async (request, response, _url, body) => {
      if (state.isSilent) return;
      if (state.status !== undefined) return json(response, { error: 'server_error' }, state.status);
      const code = desk.redeem(request, body);
      if (!code) return json(response, { error: 'invalid_grant' }, 400);
      json(response, {
        access_token: desk.tokenFor(code.person),
        token_type: 'Bearer',
        expires_in: 3599,
        scope: 'openid email profile',
        id_token: await idToken(code),
      });
    },
    '/v1/userinfo': (request, response) => {
      const person = desk.holderOf(request);
      if (person) json(response, person);
      else json(response, { error: 'invalid_token' }, 401);
    },
    '/oauth2/v3/certs': async (_request, response) =>
      json(response, { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }),
  });
  return Object.assign(state, {
    url: server.url,
    asked: desk.asked,
    redeemed: desk.redeemed,
    reset: () => void Object.assign(state, usual),
    close: server.close,
  });
};

export interface GithubStandIn extends StandIn {
  user: Record<string, unknown>;
  emails: Record<string, unknown>[];
  error: string | undefined;
  /** Status of `/user`. */
  status: number;
}

/** GitHub: form answers unless JSON is asked for, errors with status 200, a `User-Agent` on every call, addresses by themselves. */
export const openGithubStandIn = async (): Promise<GithubStandIn> => {
  const desk = createDesk();
  const usual = {
    user: { id: 583231, login: 'octocat', name: 'The Octocat', email: null, type: 'User' },
    emails: [
      { email: 'octocat@users.noreply.github.com', primary: false, verified: true, visibility: null },
      { email: 'octocat@example.test', primary: true, verified: true, visibility: 'private' },
    ],
    error: undefined,
    status: 200,
  };
  const state: Omit<GithubStandIn, keyof StandIn> = { ...usual };
  const guarded =
    (answer: () => unknown): Handler =>
    (request, response) => {
      if (request.headers['user-agent'] === undefined) return void response.writeHead(403).end('User-Agent required');
      if (!desk.holderOf(request)) return json(response, { message: 'Bad credentials' }, 401);
      json(response, answer(), state.status);
    };
  const server = await listen({
    '/login/oauth/authorize': (_request, response, url) => {
      const error = state.error === undefined ? {} : { error_description: 'The user has denied your application access.' };
      desk.authorize(response, url.searchParams, state.user, error, state.error);
    },
    '/login/oauth/access_token': (request, response, _url, body) => {
      const code = desk.redeem(request, body);
      const answer: Record<string, string> = code
        ? { access_token: desk.tokenFor(code.person), token_type: 'bearer', scope: 'read:user,user:email' }
        : { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' };
      if (request.headers.accept?.includes('application/json')) return json(response, answer);
      response
        .writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' })
        .end(new URLSearchParams(answer).toString());
    },
    '/user': guarded(() => state.user),
    '/user/emails': guarded(() => state.emails),
  });
  const reset = (): void => void Object.assign(state, usual);
  return Object.assign(state, { url: server.url, asked: desk.asked, redeemed: desk.redeemed, reset, close: server.close });
};

export interface FacebookStandIn extends StandIn {
  me: Record<string, unknown>;
  error: string | undefined;
}

/** Facebook: the graph with chosen fields and proof of the app's secret; errors as objects, some with status 200. */
export const openFacebookStandIn = async (): Promise<FacebookStandIn> => {
  const desk = createDesk();
  const usual = {
    me: { id: '10158912345678901', name: 'Fay Book', first_name: 'Fay', last_name: 'Book', email: 'fay@example.test' } as Record<
      string,
      unknown
    >,
    error: undefined,
  };
  const state: Omit<FacebookStandIn, keyof StandIn> = { ...usual };
  const problem = (message: string) => ({ error: { message, type: 'OAuthException', code: 190, fbtrace_id: 'A1b2' } });
  const server = await listen({
    '/dialog/oauth': (_request, response, url) => {
      const more: Record<string, string> =
        state.error === undefined ? {} : { error_reason: 'user_denied', error_description: 'Permissions error' };
      desk.authorize(response, url.searchParams, state.me, more, state.error);
    },
    '/oauth/access_token': (request, response, _url, body) => {
      const code = desk.redeem(request, body);
      if (!code) return json(response, problem('This authorization code has been used.'), 400);
      json(response, { access_token: desk.tokenFor(code.person), token_type: 'bearer', expires_in: 5183944 });
    },
    '/me': (request, response, url) => {
      const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
      const proof = createHmac('sha256', upstreamClient.secret).update(token).digest('hex');
      if (!desk.holderOf(request)) return json(response, problem('Invalid OAuth access token.'), 400);
      if (url.searchParams.get('appsecret_proof') !== proof) return json(response, problem('Invalid appsecret_proof'), 400);
      const fields = (url.searchParams.get('fields') ?? 'id,name').split(',');
      json(response, Object.fromEntries(Object.entries(state.me).filter(([name]) => fields.includes(name) || name === 'error')));
    },
  });
  const reset = (): void => void Object.assign(state, usual);
  return Object.assign(state, { url: server.url, asked: desk.asked, redeemed: desk.redeemed, reset, close: server.close });
};
