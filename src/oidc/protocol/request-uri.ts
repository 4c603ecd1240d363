import type { Provider } from 'oidc-provider';
import type { Outbound } from '../../platform/outbound/index.ts';
import { markReference } from './request-objects.ts';

type Middleware = Parameters<Provider['use']>[0];

/** Answered by the core with `invalid_request_uri`, at the client where its redirect URI is good (RFC 9101 §7). */
const unusable = 'urn:ietf:params:oauth:request_uri:unusable';
/** OpenID Connect Registration §2; the core no longer knows it, so it is extra metadata. */
export const requestUriMetadata = 'request_uris';
const maxKept = 200;

interface RequestUriDeps {
  provider: Provider;
  outbound: Outbound;
  /** Path of the authorization endpoint. */
  path: string;
}

/**
 * RFC 9101 §5.2, OpenID Connect Core §6.2: request objects by reference, which the core dropped. Only addresses the client has
 * registered are fetched (compared with their fragment), and the object goes on as `request`, so that every check stays the core's.
 */
export const requestObjectsByReference = ({ provider, outbound, path }: RequestUriDeps): Middleware => {
  // §6.2: a fragment is the hash of what lies there, so a changed object has a changed address.
  const kept = new Map<string, string>();

  const fetchObject = async (address: string): Promise<string | undefined> => {
    const known = kept.get(address);
    if (known !== undefined) return known;
    const url = new URL(address);
    const { hash } = url;
    url.hash = '';
    const headers = { accept: 'application/oauth-authz-req+jwt, application/jwt, text/plain' };
    const response = await outbound(url, { headers }).catch(() => undefined);
    if (response?.status !== 200) return undefined;
    const object = (await response.text()).trim();
    if (hash !== '') {
      if (kept.size >= maxKept) kept.clear();
      kept.set(address, object);
    }
    return object;
  };

  const isRegistered = async (clientId: unknown, address: string): Promise<boolean> => {
    const client = typeof clientId === 'string' ? await provider.Client.find(clientId) : undefined;
    const registered: unknown = client?.[requestUriMetadata];
    return Array.isArray(registered) && registered.includes(address);
  };

  return async (ctx, next) => {
    const { request_uri: address, request, ...others } = ctx.query;
    const isReference = ctx.path === path && ctx.method === 'GET' && typeof address === 'string' && /^https:/i.test(address);
    if (!isReference || request !== undefined) return await next();
    const object = (await isRegistered(others.client_id, address)) ? await fetchObject(address) : undefined;
    markReference(ctx);
    ctx.query = object ? { ...others, request: object } : { ...others, request_uri: unusable };
    await next();
  };
};
