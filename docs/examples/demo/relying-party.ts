/** A relying party as an application's developer would write it: openid-client does the protocol, this file the pages and the session. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as oidc from 'openid-client';
import { claimsPage, errorPage, homePage, icon, page, type Shown, stylesheet } from './pages.ts';

export interface RelyingPartyOptions {
  issuer: string;
  /** Address of this application. */
  origin: string;
  port: number;
  client: { client_id: string; client_secret: string };
  /** Until then requests wait: both start together, and without its provider this application can do nothing. */
  providerIsReady: Promise<void>;
}

/** What the application remembers of a browser. */
interface Session {
  /** A sign-in under way. */
  pending?: { state: string; nonce: string; codeVerifier: string };
  tokens?: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
  shown?: Shown;
  notice?: string;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  session: Session;
  url: URL;
}

const cookieName = 'demo_session';
const maxSessions = 1000;
const scope = 'openid profile email offline_access';

const subjectOf = ({ shown }: Session): string => String(shown?.claims.sub);

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(303, { location }).end();
};

const html = (response: ServerResponse, content: string, status = 200): void => {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'same-origin',
    })
    .end(content);
};

const createSessions = () => {
  const sessions = new Map<string, Session>();
  const idOf = (request: IncomingMessage): string | undefined =>
    /(?:^|; )demo_session=([\w-]{22})(?:;|$)/.exec(request.headers.cookie ?? '')?.[1];
  return (request: IncomingMessage, response: ServerResponse): Session => {
    const id = idOf(request);
    const existing = id === undefined ? undefined : sessions.get(id);
    if (existing) return existing;
    const fresh = randomBytes(16).toString('base64url');
    const session: Session = {};
    const [oldest] = sessions.keys();
    if (sessions.size >= maxSessions && oldest !== undefined) sessions.delete(oldest);
    sessions.set(fresh, session);
    response.setHeader('set-cookie', `${cookieName}=${fresh}; Path=/; HttpOnly; SameSite=Lax`);
    return session;
  };
};

export const startRelyingParty = async ({
  issuer,
  origin,
  port,
  client,
  providerIsReady,
}: RelyingPartyOptions): Promise<Server> => {
  const { client_id: clientId, client_secret: secret } = client;
  let discovered: Promise<oidc.Configuration> | undefined;
  const configuration = (): Promise<oidc.Configuration> => {
    discovered ??= oidc
      // The issuer is on loopback, where plain http is allowed (RFC 8252 §8.3).
      .discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] })
      .catch((error: unknown) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  };
  const sessionOf = createSessions();

  const remember = (session: Session, tokens: NonNullable<Session['tokens']>): Shown => {
    session.tokens = { ...session.tokens, ...tokens };
    const { claims: earlier = {}, profile = {} } = session.shown ?? {};
    session.shown = {
      claims: tokens.claims() ?? earlier,
      profile,
      refreshes: session.shown?.refreshes ?? 0,
      receivedAt: new Date(),
      expiresIn: tokens.expiresIn(),
      scope: tokens.scope ?? scope,
      canRefresh: session.tokens.refresh_token !== undefined,
      answers: [],
    };
    return session.shown;
  };

  const signIn = async ({ response, session }: Exchange): Promise<void> => {
    const [state, nonce, codeVerifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
    session.pending = { state, nonce, codeVerifier };
    const address = oidc.buildAuthorizationUrl(await configuration(), {
      redirect_uri: `${origin}/callback`,
      scope,
      // OpenID Connect Core §11: a refresh token needs the person's yes.
      prompt: 'consent',
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    });
    redirect(response, address.href);
  };

  const callback = async ({ response, session, url }: Exchange): Promise<void> => {
    const { pending } = session;
    delete session.pending;
    if (!pending) return redirect(response, '/');
    if (url.searchParams.get('error') === 'access_denied') {
      session.notice = 'You did not allow it, so nothing was shared.';
      return redirect(response, '/');
    }
    const tokens = await oidc.authorizationCodeGrant(await configuration(), url, {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
    });
    delete session.shown;
    const shown = remember(session, tokens);
    shown.profile = await oidc.fetchUserInfo(await configuration(), tokens.access_token, subjectOf(session));
    redirect(response, '/');
  };

  const refresh = async ({ response, session }: Exchange): Promise<void> => {
    const { refresh_token: token } = session.tokens ?? {};
    if (token !== undefined) {
      remember(session, await oidc.refreshTokenGrant(await configuration(), token));
      if (session.shown) session.shown.refreshes += 1;
    }
    redirect(response, '/#tokens');
  };

  /** Asks the provider something with the access token and shows the answer. */
  const asked = async (session: Session, title: string, ask: (token: string) => Promise<object>): Promise<void> => {
    const { access_token: token } = session.tokens ?? {};
    if (token === undefined || !session.shown) return;
    session.shown.answers = [{ title, answer: await ask(token) }];
  };

  const userinfo = async ({ response, session }: Exchange): Promise<void> => {
    const subject = subjectOf(session);
    await asked(session, 'Answer of userinfo', async (token) => oidc.fetchUserInfo(await configuration(), token, subject));
    redirect(response, '/#answer');
  };

  const introspect = async ({ response, session }: Exchange): Promise<void> => {
    await asked(session, 'Answer of introspection', async (token) => oidc.tokenIntrospection(await configuration(), token));
    redirect(response, '/#answer');
  };

  const signOut = async ({ response, session }: Exchange): Promise<void> => {
    const idToken = session.tokens?.id_token;
    delete session.tokens;
    delete session.shown;
    session.notice = 'You are signed out here.';
    const hint = idToken === undefined ? {} : { id_token_hint: idToken };
    const address = oidc.buildEndSessionUrl(await configuration(), { ...hint, post_logout_redirect_uri: `${origin}/` });
    redirect(response, address.href);
  };

  const home = ({ response, session }: Exchange): void => {
    const { shown, notice } = session;
    delete session.notice;
    html(response, page(shown ? claimsPage(shown) : homePage(notice, issuer)));
  };

  const css = ({ response }: Exchange): void => {
    response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' }).end(stylesheet);
  };

  const picture = ({ response }: Exchange): void => {
    response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(icon);
  };

  const handlers: Record<string, (exchange: Exchange) => Promise<void> | void> = {
    'GET /': home,
    'GET /demo.css': css,
    'GET /demo.svg': picture,
    'GET /callback': callback,
    'POST /sign-in': signIn,
    'POST /refresh': refresh,
    'POST /userinfo': userinfo,
    'POST /introspect': introspect,
    'POST /sign-out': signOut,
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', origin);
    const handler = handlers[`${request.method} ${url.pathname}`];
    if (!handler) return html(response, page(errorPage('There is no such page.')), 404);
    // A form of another site must not act here: the cookie is Lax, and the browser says where a form comes from.
    if (request.method === 'POST' && request.headers.origin !== origin) {
      return html(response, page(errorPage('That form did not come from this application.')), 403);
    }
    await providerIsReady;
    await handler({ request, response, session: sessionOf(request, response), url });
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { message, cause, error: code, error_description: description } = error as Error & Record<string, unknown>;
      const words = [code, description].filter(Boolean).join(': ') || String((cause as Error | undefined)?.message ?? message);
      if (!response.headersSent) html(response, page(errorPage(words)), 502);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server.unref();
};
