import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express, { type Express } from 'express';
import expressOpenId from 'express-openid-connect';
import session from 'express-session';
import passport from 'passport';
import OpenIdStrategy from 'passport-openidconnect';
import { createAgent, passPages } from '../support/agent.ts';
import { type Stand, startStand } from '../support/stand.ts';

const { auth, requiresAuth } = expressOpenId;
const secret = 'a-secret-of-at-least-thirty-two-characters';

/** An application that listens before its client is registered, since its address is part of the registration. */
const startApplication = async () => {
  const app = express();
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { app, origin, close };
};

type Application = Awaited<ReturnType<typeof startApplication>>;

/** Opens a page of the application, signs in at the provider, comes back and returns what the application shows then. */
const signIn = async (application: Application, stand: Stand, path: string): Promise<string> => {
  const browser = createAgent(application.origin);
  const start = await browser.open(`${application.origin}${path}`);
  const person = createAgent(stand.issuer);
  const back = await passPages(person, await person.open(start.headers.get('location') ?? ''), stand.person);
  const shown = await browser.open(back);
  return shown.body;
};

const passportApplication = (app: Express, origin: string, issuer: string): void => {
  const strategy = new OpenIdStrategy(
    {
      issuer,
      authorizationURL: `${issuer}/authorize`,
      tokenURL: `${issuer}/token`,
      userInfoURL: `${issuer}/userinfo`,
      clientID: 'passport',
      clientSecret: secret,
      callbackURL: `${origin}/callback`,
      scope: ['email'],
      nonce: 'required',
    },
    (_issuer: string, profile: object, done: (error: null, user: object) => void) => done(null, profile),
  );
  passport.use('openid', strategy);
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user: object, done) => done(null, user));
  app.use(session({ secret, resave: false, saveUninitialized: false }), passport.session());
  app.get('/login', passport.authenticate('openid'));
  app.get('/callback', passport.authenticate('openid'), (request, response) => void response.json(request.user));
};

const oidcApplication = (app: Express, origin: string, issuer: string): void => {
  app.use(
    auth({
      issuerBaseURL: issuer,
      baseURL: origin,
      clientID: 'express',
      clientSecret: secret,
      secret,
      authRequired: false,
      authorizationParams: { response_type: 'code', scope: 'openid email' },
      session: { cookie: { secure: false } },
    }),
  );
  app.get('/me', requiresAuth(), async (request, response) => void response.json(await request.oidc.fetchUserInfo()));
};

describe('INTEROP Express middleware', () => {
  let stand: Stand;
  let passportApp: Application;
  let oidcApp: Application;

  before(async () => {
    passportApp = await startApplication();
    oidcApp = await startApplication();
    const common = { client_secret: secret, response_types: ['code'], grant_types: ['authorization_code'] };
    stand = await startStand({
      bootstrap: {
        clients: [
          {
            ...common,
            client_id: 'passport',
            redirect_uris: [`${passportApp.origin}/callback`],
            token_endpoint_auth_method: 'client_secret_post',
            require_pkce: false,
          },
          {
            ...common,
            client_id: 'express',
            redirect_uris: [`${oidcApp.origin}/callback`],
            token_endpoint_auth_method: 'client_secret_basic',
          },
        ],
      },
    });
    passportApplication(passportApp.app, passportApp.origin, stand.issuer);
    oidcApplication(oidcApp.app, oidcApp.origin, stand.issuer);
  });
  after(async () => {
    passportApp.close();
    oidcApp.close();
    await stand.close();
  });

  it('passport-openidconnect signs in without PKCE, as an administrator allowed it to', async () => {
    expect(JSON.parse(await signIn(passportApp, stand, '/login'))).to.have.property('id');
  });

  it('express-openid-connect signs in and reads userinfo', async () => {
    expect(JSON.parse(await signIn(oidcApp, stand, '/me'))).to.have.property('email');
  });
});
