import type Koa from 'koa';
import type { Envelope } from '../crypto/index.ts';
import type { House } from '../ports.ts';
import type { OwnCookies } from './cookies.ts';

/** What a browser keeps of its last sign-in page, for the pages that are outside of it. */
export interface Worn {
  house?: House | undefined;
  /** Where that sign-in goes on, and until when. */
  back?: { href: string; application: string; until: string } | undefined;
}

const cookie = 'castellan_house';
const purpose = 'house';
const seconds = 43_200;
/** A cookie is 4096 bytes at most, and seals to a third more than it says. */
const longestLogo = 1000;

/**
 * Sealed, so that no link or form can name an organization and learn what it is called: a browser has here only what a sign-in
 * page has shown it already.
 */
export const createHouseCookie = (envelope: Envelope, cookies: OwnCookies) => ({
  read: (ctx: Koa.Context): Worn => {
    const sealed = cookies.read(ctx, cookie);
    if (sealed === undefined) return {};
    try {
      return JSON.parse(envelope.open(sealed, purpose)) as Worn;
    } catch {
      return {};
    }
  },
  keep: (ctx: Koa.Context, { house, back }: Worn): void => {
    const isOver = house === undefined && back === undefined;
    const logoUri = (house?.logoUri?.length ?? 0) > longestLogo ? undefined : house?.logoUri;
    const worn: Worn = { house: house && { ...house, logoUri }, back };
    const value = isOver ? '' : envelope.seal(JSON.stringify(worn), purpose);
    cookies.keep(ctx, { name: cookie, value, seconds: isOver ? 0 : seconds });
  },
});
