import { LRUCache } from 'lru-cache';
import { constantTimeEqual, type Envelope } from '../../platform/crypto/index.ts';
import { errors } from '../../platform/errors/index.ts';
import type { PageRoutes } from '../../platform/http/index.ts';
import type { Outbound } from '../../platform/outbound/index.ts';

const path = '/application-logo';
const purpose = 'application-logo';

/** First bytes of the kinds of pictures we pass on; SVG may hold script and is none of them. */
const kinds: readonly [string, RegExp][] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
];

interface Logo {
  type: string;
  bytes: Buffer;
}

/**
 * Pages show a client's `logo_uri` from our own origin, so that the client learns nothing of who is about to sign in. The address
 * carries a keyed digest: only addresses that a page has shown are fetched.
 */
export const createLogoAddress =
  (envelope: Envelope) =>
  (uri: string | undefined): string | undefined =>
    uri === undefined ? undefined : `${path}?${new URLSearchParams({ uri, key: envelope.blindIndex(uri, purpose) })}`;

export interface LogoDeps {
  envelope: Envelope;
  outbound: Outbound;
}

export const mountLogos = (pages: PageRoutes, { envelope, outbound }: LogoDeps): void => {
  const kept = new LRUCache<string, Logo>({
    max: 200,
    ttl: 3_600_000,
    maxSize: 8 * 2 ** 20,
    sizeCalculation: ({ bytes }) => bytes.length,
  });

  const fetchLogo = async (uri: string): Promise<Logo | undefined> => {
    const response = await outbound(uri, { headers: { accept: 'image/png, image/jpeg, image/webp, image/gif' } }).catch(
      () => undefined,
    );
    if (response?.status !== 200) return undefined;
    const bytes = Buffer.from(await response.arrayBuffer());
    const start = bytes.subarray(0, 16).toString('hex');
    const type = kinds.find(([, pattern]) => pattern.test(start))?.[0];
    return type === undefined ? undefined : { type, bytes };
  };

  pages.get(path, async ({ ctx, query: { uri = '', key = '' } }) => {
    if (!constantTimeEqual(key, envelope.blindIndex(uri, purpose))) throw errors.not_found();
    const logo = kept.get(uri) ?? (await fetchLogo(uri));
    if (!logo) throw errors.not_found();
    kept.set(uri, logo);
    ctx.type = logo.type;
    ctx.set('Cache-Control', 'private, max-age=3600');
    ctx.body = logo.bytes;
  });
};
