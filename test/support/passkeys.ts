import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';

/** A browser profile with an authenticator of its own, driven through the DevTools protocol. */
export interface PasskeyBrowser {
  context: BrowserContext;
  page: Page;
  devtools: CDPSession;
  authenticatorId: string;
  /** Whether somebody stands ready to touch the authenticator. */
  press(isReady: boolean): Promise<void>;
  credentials(): Promise<{ credentialId: string; signCount: number; isResidentCredential: boolean; userHandle?: string }[]>;
  close(): Promise<void>;
}

export interface AuthenticatorOptions {
  /** `false`: a plain security key that checks nobody. */
  verifiesUser?: boolean;
}

export const openPasskeyBrowser = async (
  browser: Browser,
  { verifiesUser = true }: AuthenticatorOptions = {},
): Promise<PasskeyBrowser> => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: verifiesUser,
      isUserVerified: verifiesUser,
      automaticPresenceSimulation: true,
    },
  });
  return {
    context,
    page,
    devtools,
    authenticatorId,
    press: (isReady) =>
      devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: isReady }).then(() => undefined),
    credentials: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    close: () => context.close(),
  };
};

export interface CallbackServer {
  url: string;
  /** Addresses that browsers were sent to, oldest first. */
  seen: URL[];
  close(): void;
}

/** Where a relying party is called back; a real server, since redirects pass by a browser's interception. */
export const openCallbackServer = async (): Promise<CallbackServer> => {
  const seen: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (url.pathname === '/callback') seen.push(url);
    response.setHeader('content-type', 'text/html').end('<title>signed in</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/callback`, seen, close: () => void server.close() };
};
