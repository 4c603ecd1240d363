import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Locale, locales } from './locale.ts';

export type MessageValues = Record<string, string | number | undefined>;

/** Flat keys; `{name}` is a value; `key.one` and `key.other` are chosen by the value `count`. */
export type Catalogue = Readonly<Record<string, string>>;

/** `locales/en.json` and one file a subject, `locales/mail.en.json`. */
const readCatalogue = (directory: string, locale: Locale): Catalogue => {
  const files = readdirSync(directory).filter((name) => name === `${locale}.json` || name.endsWith(`.${locale}.json`));
  return Object.assign({}, ...files.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Catalogue));
};

export const readCatalogues = (directory: string): Record<Locale, Catalogue> =>
  Object.fromEntries(locales.map((locale) => [locale, readCatalogue(join(directory, 'locales'), locale)])) as Record<
    Locale,
    Catalogue
  >;

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);

const fill = (message: string, values: MessageValues, write: (text: string) => string, locale: Locale): string =>
  message.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return write(typeof value === 'number' ? value.toLocaleString(locale) : (value ?? ''));
  });

export interface Translator {
  /** The message as plain text. */
  text(key: string, values?: MessageValues): string;
  /** The message with the markup it was written with; the values are escaped. */
  markup(key: string, values?: MessageValues): string;
  /** The message in pieces, so that a page can make links of its values: text, and what stands for a name in braces. */
  parts(key: string, values: Readonly<Record<string, unknown>>): unknown[];
  has(key: string): boolean;
}

/** A key that no catalogue has is a mistake of ours: it is thrown, and a test asks for every key of every template. */
export const createTranslator = (catalogue: Catalogue, locale: Locale): Translator => {
  const plurals = new Intl.PluralRules(locale);
  const find = (key: string, values: MessageValues): string => {
    const { count } = values;
    const message = catalogue[key] ?? (typeof count === 'number' ? catalogue[`${key}.${plurals.select(count)}`] : undefined);
    if (message === undefined) throw new Error(`no message ${key} in ${locale}`);
    return message;
  };
  return {
    text: (key, values = {}) => fill(find(key, values), values, (text) => text, locale),
    markup: (key, values = {}) => fill(find(key, values), values, escapeHtml, locale),
    parts: (key, values) =>
      find(key, {})
        .split(/\{(\w+)\}/)
        .map((piece, index) => (index % 2 === 0 ? piece : values[piece])),
    has: (key) => key in catalogue,
  };
};
