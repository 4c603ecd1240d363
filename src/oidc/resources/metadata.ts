import { Type } from '@sinclair/typebox';
import { type AdminRoutes, answer } from '../../platform/http/index.ts';

/** RFC 9728 §2, for our own APIs: one resource, whose identifier is the issuer. */
const ResourceMetadata = Type.Object({
  resource: Type.String(),
  authorization_servers: Type.Array(Type.String()),
  scopes_supported: Type.Array(Type.String()),
  bearer_methods_supported: Type.Array(Type.String()),
  resource_name: Type.String(),
});

/** RFC 9728 §3: where a challenge of our API points to. */
export const mountResourceMetadata = (admin: AdminRoutes, issuer: string, scopes: readonly string[]): void =>
  admin.get(
    '/.well-known/oauth-protected-resource',
    { summary: 'Our own APIs as a protected resource', permission: 'public', response: ResourceMetadata, status: 200 },
    async () =>
      answer({
        headers: { 'Cache-Control': 'public, max-age=300', 'Access-Control-Allow-Origin': '*' },
        body: {
          resource: issuer,
          authorization_servers: [issuer],
          scopes_supported: scopes,
          // TK-09: neither in the body nor in the address.
          bearer_methods_supported: ['header'],
          resource_name: 'Castellan',
        },
      }),
  );
