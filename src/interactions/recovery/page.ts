import type { PageContext } from '../../platform/http/index.ts';
import type { FormError } from '../steps.ts';

/** What the browser that asks for a mail holds, and what is shown there (RS-13). */
const flowCookie = 'castellan_flow';
/** The secret of a mailed link, once it has left the address (RS-09). */
const linkCookie = 'castellan_link';
const cookieSeconds = 1800;

const keep = (page: PageContext, name: string, value: string, seconds = cookieSeconds): void =>
  page.keepCookie({ name, value, seconds });
const read = ({ request }: PageContext, name: string): string[] => request.cookie(name)?.split('.') ?? [];

export interface Flow {
  flow: string;
  /** Digits to be entered where the link is opened in another browser. */
  shown: string;
}

export const flowOf = (page: PageContext): { flow: string | undefined; shown: string | undefined } => {
  const [flow, shown] = read(page, flowCookie);
  return { flow, shown: shown && /^\d{6}$/.test(shown) ? shown : undefined };
};

export const keepFlow = (page: PageContext, { flow, shown }: Flow): void => keep(page, flowCookie, `${flow}.${shown}`);

export interface MailedLink {
  kind: string;
  secret: string;
}

export const linkOf = (page: PageContext): MailedLink | undefined => {
  const [kind, secret] = read(page, linkCookie);
  return kind && secret ? { kind, secret } : undefined;
};

export const dropLink = (page: PageContext): void => keep(page, linkCookie, '', 0);

/**
 * RS-09: takes the secret of a mailed link out of the address and leads on to the page without it. Changes nothing else, so a
 * scanner that opens the link spends nothing (RS-13).
 * @returns whether the address held one
 */
export const takeLink = (page: PageContext, kind: string, path: string): boolean => {
  page.ctx.set('Referrer-Policy', 'no-referrer');
  const { ticket } = page.query;
  if (ticket === undefined) return false;
  keep(page, linkCookie, /^[\w-]{1,100}$/.test(ticket) ? `${kind}.${ticket}` : '');
  page.redirect(path);
  return true;
};

export interface Link {
  key: string;
  href: string;
  values?: Record<string, string>;
}

/** Where to go from a page that a sign-in has led out to: on with it, while it is open in this browser. */
export const linksOn = ({ worn }: PageContext, now: Date): readonly Link[] => {
  const { back } = worn;
  if (back === undefined || Date.parse(back.until) <= now.getTime()) return [{ key: 'link.home', href: '/' }];
  return [{ key: 'link.continue', href: back.href, values: { client: back.application } }];
};

/** Three and three, to be read out. */
export const spaced = (digits: string | undefined): string | undefined => digits?.replace(/^(\d{3})(\d{3})$/, '$1 $2');

const seconds = (until: Date, now: Date): number => Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));

/** RS-04. */
export const tooMany = (page: PageContext, until: Date, now: Date): FormError => {
  page.ctx.set('Retry-After', String(seconds(until, now)));
  return { key: 'recovery.too_many', values: { count: Math.ceil(seconds(until, now) / 60) } };
};

export const wrongCode: FormError = { field: 'code', key: 'recovery.wrong_code' };
export const missingCode: FormError = { field: 'code', key: 'recovery.missing_code' };
