import type { Caches } from '../../platform/cache/index.ts';
import { isUuid } from '../../platform/crypto/index.ts';
import { type Database, inAllTenants } from '../../platform/db/index.ts';
import { createOrganizationRepository } from './repository.ts';

/** How an organization shows itself to whoever signs in for it (FEATURES A12). */
export interface Brand {
  /** Of the organization. */
  id: string;
  name: string;
  logoUri?: string | undefined;
  /** `#rrggbb` */
  accentColor?: string | undefined;
}

export interface BrandDeps {
  database: Pick<Database, 'transaction'>;
  caches: Pick<Caches, 'cache'>;
}

/** @returns by id or slug; nothing of an organization that is suspended */
export const createBrands = ({ database, caches }: BrandDeps) => {
  const organizations = inAllTenants(database, createOrganizationRepository);
  const cache = caches.cache<Brand>({ name: 'brands', l1Seconds: 60, l2Seconds: 300, maxEntries: 1000 });
  return (reference: string): Promise<Brand | undefined> =>
    cache.get(reference, async () => {
      const wanted = isUuid(reference) ? { id: reference } : { slug: reference };
      const found = await organizations.find(wanted, 'all');
      if (found?.status !== 'active') return undefined;
      const { displayName = found.name, logoUri, accentColor } = found.branding;
      return { value: { id: found.id, name: displayName, logoUri, accentColor }, tags: [`organization:${found.id}`] };
    });
};
