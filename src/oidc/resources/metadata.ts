import { Type } from '@sinclair/typebox';
import { type AdminRoutes, answer } from '../../platform/http/index.ts';
import { proofAlgorithms } from '../protocol/dpop-proofs.ts';

/** RFC 9728 §2, for our own APIs: one resource, whose identifier is the issuer. */
const ResourceMetadata = Type.Object({
  resource: Type.String(),
  authorization_servers: Type.Array(Type.String()),
  scopes_supported: Type.Array(Type.String()),
  bearer_methods_supported: Type.Array(Type.String()),
  dpop_signing_alg_values_supported: Type.Array(Type.String()),
  tls_client_certificate_bound_access_tokens: Type.Boolean(),
  resource_name: Type.String(),
});

export interface OwnResource {
  issuer: string;
  scopes: readonly string[];
  /** RFC 8705 is on. */
  takesCertificates: boolean;
}

/** RFC 9728 §3: where a challenge of our API points to. */
export const mountResourceMetadata = (admin: AdminRoutes, { issuer, scopes, takesCertificates }: OwnResource): void =>
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
          // RFC 9449 §5.1, RFC 8705 §3.3: also where they are bound, with what they are bound to.
          dpop_signing_alg_values_supported: proofAlgorithms,
          tls_client_certificate_bound_access_tokens: takesCertificates,
          resource_name: 'Castellan',
        },
      }),
  );
