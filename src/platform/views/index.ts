/**
 * Templates (`views/*.njk`), message catalogues (`views/locales/`) and static files (`views/assets/`). Knows no HTTP: the same
 * views make hosted pages, console pages, mails and the screenshots. Templates escape by default.
 */
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';
import { agoOf } from './ago.ts';
import { type Asset, readAssets } from './assets.ts';
import { createTranslator, type MessageValues, readCatalogues, type Translator } from './catalogue.ts';
import { type Locale, locales } from './locale.ts';

export { agoOf } from './ago.ts';
export type { Asset } from './assets.ts';
export type { MessageValues, Translator } from './catalogue.ts';
export { contrastWithWhite } from './contrast.ts';
export { chooseLocale, type Locale, locales } from './locale.ts';

export interface Views {
  /**
   * Renders `views/<template>.njk`. Every template may use `t(key, values)` for text, `m(key, values)` for messages with markup,
   * `parts(key, values)` for a message in pieces, `asset(name)` for the address of a static file, and `locale`.
   */
  render(template: string, locale: Locale, values: Record<string, unknown>): string;
  translator(locale: Locale): Translator;
  /** Static files by name; served under `/assets/`. */
  assets: ReadonlyMap<string, Asset>;
}

const defaultDirectory = fileURLToPath(new URL('../../../views', import.meta.url));

const initials = (name: string): string => {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return (
    letters
      .map((word) => [...(word ?? '')][0] ?? '')
      .join('')
      .toLocaleUpperCase() || '?'
  );
};

interface ViewsOptions {
  /** Where templates, catalogues and static files are; our own unless told. */
  directory?: string;
  /** Where a page finds an application's logo: never at the application's own address. */
  logoAddress?: (uri: string | undefined) => string | undefined;
}

export const createViews = ({ directory = defaultDirectory, logoAddress = () => undefined }: ViewsOptions = {}): Views => {
  const assets = readAssets(`${directory}/assets`);
  const catalogues = readCatalogues(directory);
  const assetAddress = (name: string): string => `/assets/${name}?v=${assets.get(name)?.etag.slice(1, 9) ?? '0'}`;
  const translators = new Map(locales.map((locale) => [locale, createTranslator(catalogues[locale], locale)]));
  const translator = (locale: Locale): Translator => translators.get(locale) ?? createTranslator(catalogues[locale], locale);

  // One environment a language: macros see globals but not the values of the page.
  const environmentOf = (locale: Locale): nunjucks.Environment => {
    const loader = new nunjucks.FileSystemLoader(directory, { noCache: false, watch: false });
    const environment = new nunjucks.Environment(loader, { autoescape: true, trimBlocks: true, lstripBlocks: true });
    const { text, markup, parts, has } = translator(locale);
    environment.addGlobal('locale', locale);
    environment.addGlobal('locales', locales);
    environment.addGlobal('asset', assetAddress);
    environment.addGlobal('logo', logoAddress);
    environment.addGlobal('hasMessage', has);
    environment.addGlobal('parts', parts);
    environment.addGlobal('t', (key: string, values?: MessageValues) => text(key, values));
    environment.addGlobal('m', (key: string, values?: MessageValues) => new nunjucks.runtime.SafeString(markup(key, values)));
    environment.addFilter('initials', initials);
    environment.addFilter('day', (iso: string) =>
      new Date(iso).toLocaleDateString(locale, { dateStyle: 'medium', timeZone: 'UTC' }),
    );
    environment.addFilter('ago', (iso: string, now: Date) => agoOf(new Date(iso), now, locale));
    environment.addFilter('when', (iso: string) => {
      const date = new Date(iso);
      const day = date.toLocaleDateString(locale, { dateStyle: 'long', timeZone: 'UTC' });
      return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
    });
    environment.addFilter('moment', (iso: string) =>
      new Date(iso).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' }),
    );
    return environment;
  };
  const environments = new Map(locales.map((locale) => [locale, environmentOf(locale)]));

  return {
    assets,
    translator,
    render: (template, locale, values) => (environments.get(locale) ?? environmentOf(locale)).render(`${template}.njk`, values),
  };
};
