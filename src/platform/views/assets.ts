import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  body: Buffer;
  contentType: string;
  /** Quoted, for `ETag`; its start is the `v` of the address, so that the file may be cached for good. */
  etag: string;
}

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

/** Browser halves of libraries, by the name they are served under: from us, since no page loads anything from elsewhere. */
const libraries: Record<string, string> = {
  'simplewebauthn.js': fileURLToPath(new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser'))),
};

const assetOf = (file: string, contentType: string): Asset => {
  const body = readFileSync(file);
  return { body, contentType, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
};

/** All static files, read once: there are few and they are small. */
export const readAssets = (directory: string): ReadonlyMap<string, Asset> => {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(directory)) {
    const contentType = contentTypes[extname(name)];
    if (contentType !== undefined) assets.set(name, assetOf(join(directory, name), contentType));
  }
  for (const [name, file] of Object.entries(libraries)) assets.set(name, assetOf(file, contentTypes['.js'] ?? ''));
  return assets;
};
