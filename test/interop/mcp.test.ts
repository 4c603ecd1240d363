import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { auth, type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  type OAuthClientInformationMixed,
  OAuthMetadataSchema,
  type OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { expect } from 'chai';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { createAgent, passPages } from '../support/agent.ts';
import { type Stand, startStand } from '../support/stand.ts';

const callback = 'http://127.0.0.1:8765/callback';

/** A person's MCP client: keeps what it is told, and opens a browser where the SDK wants one. */
const createProvider = (stand: Stand) => {
  let information: OAuthClientInformationMixed | undefined;
  let tokens: OAuthTokens | undefined;
  let verifier = '';
  const seen: { code?: string; authorization?: URL } = {};
  const provider: OAuthClientProvider = {
    redirectUrl: callback,
    clientMetadata: {
      client_name: 'MCP inspector',
      redirect_uris: [callback],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    } as OAuthClientProvider['clientMetadata'],
    clientInformation: () => information,
    saveClientInformation: (saved) => {
      information = saved;
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved;
    },
    codeVerifier: () => verifier,
    saveCodeVerifier: (saved) => {
      verifier = saved;
    },
    redirectToAuthorization: async (url) => {
      seen.authorization = url;
      const agent = createAgent(stand.issuer);
      const answer = new URL(await passPages(agent, await agent.open(url.href), stand.person));
      const code = answer.searchParams.get('code');
      if (code !== null) seen.code = code;
    },
  };
  return { provider, seen, tokens: () => tokens, information: () => information };
};

describe('P4 MCP: the official SDK signs in', () => {
  let http: Server;
  let resource: URL;
  let stand: Stand;

  const startMcpServer = async (): Promise<void> => {
    const app = express();
    http = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => http.once('listening', resolve));
    resource = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`);
    stand = await startStand({
      env: { DYNAMIC_REGISTRATION: 'open' },
      bootstrap: {
        resources: [{ identifier: resource.href, name: 'Notes', scopes: ['notes:read'], accessTokenFormat: 'jwt' }],
      },
    });
    const document = await fetch(`${stand.issuer}/.well-known/oauth-authorization-server`);
    const metadata = OAuthMetadataSchema.parse(await document.json());
    const keys = createRemoteJWKSet(new URL(String(metadata.jwks_uri)));
    const verifyAccessToken = async (token: string) => {
      const verified = await jwtVerify(token, keys, { issuer: stand.issuer, audience: resource.href, typ: 'at+jwt' }).catch(
        () => {
          throw new InvalidTokenError('the token does not verify');
        },
      );
      const { client_id: clientId, scope, exp } = verified.payload;
      return { token, clientId: String(clientId), scopes: String(scope).split(' '), expiresAt: exp ?? 0, resource };
    };
    app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: resource, scopesSupported: ['notes:read'] }));
    const guard = requireBearerAuth({
      verifier: { verifyAccessToken },
      requiredScopes: ['notes:read'],
      resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
    });
    app.all('/mcp', guard, express.json(), async (request, response) => {
      const server = new McpServer({ name: 'notes', version: '1.0.0' });
      server.registerTool('whose', { description: 'Who is asking' }, async () => ({
        content: [{ type: 'text', text: 'yours' }],
      }));
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
      await server.connect(transport as unknown as Parameters<typeof server.connect>[0]);
      await transport.handleRequest(request, response, request.body);
    });
  };

  before(startMcpServer);
  after(async () => {
    http.closeAllConnections();
    http.close();
    await stand.close();
  });

  it('RFC 9728, RFC 8414, RFC 7591, RFC 7636, RFC 8707: discovers, registers, is let in by the person and calls a tool', async () => {
    const { provider, seen, information } = createProvider(stand);
    const connect = async (): Promise<Client> => {
      const client = new Client({ name: 'test', version: '1.0.0' });
      const transport = new StreamableHTTPClientTransport(resource, { authProvider: provider });
      await client.connect(transport as unknown as Parameters<typeof client.connect>[0]);
      return client;
    };
    const refused = await connect().catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(UnauthorizedError);
    expect(seen.authorization?.searchParams.get('resource')).to.equal(resource.href);
    expect(seen.authorization?.searchParams.get('code_challenge_method')).to.equal('S256');
    expect(information()?.client_id).to.be.a('string');
    expect(await auth(provider, { serverUrl: resource, authorizationCode: seen.code ?? '' })).to.equal('AUTHORIZED');
    const client = await connect();
    const { content } = await client.callTool({ name: 'whose', arguments: {} });
    expect(content).to.deep.equal([{ type: 'text', text: 'yours' }]);
    await client.close();
  });

  it('refuses a token that is none of ours', async () => {
    const answer = await fetch(resource, { method: 'POST', headers: { authorization: 'Bearer x.y.z' } });
    expect(answer.status).to.equal(401);
    expect(answer.headers.get('www-authenticate')).to.include('resource_metadata');
  });
});
