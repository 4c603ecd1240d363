/** Languages that every page exists in, the first where nothing else fits. */
export const locales = ['en', 'vi'] as const;
export type Locale = (typeof locales)[number];

export interface LocaleWishes {
  /** What the person chose on one of our pages; it stands above everything. */
  cookie?: string | undefined;
  /** OIDC Core 1.0 §3.1.2.1: space-separated BCP 47 tags in order of preference. */
  uiLocales?: string | undefined;
  acceptLanguage?: string | undefined;
}

const supported = (tag: string): Locale | undefined => {
  const language = tag.trim().toLowerCase().split(/[-_]/, 1)[0];
  return locales.find((locale) => locale === language);
};

const firstOf = (tags: readonly string[]): Locale | undefined => {
  for (const tag of tags) {
    const locale = supported(tag);
    if (locale !== undefined) return locale;
  }
  return undefined;
};

const acceptedTags = (header: string): string[] =>
  header
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);

/** The language of a page: chosen by the person, asked for by the application, preferred by the browser, English. */
export const chooseLocale = ({ cookie, uiLocales, acceptLanguage }: LocaleWishes): Locale =>
  supported(cookie ?? '') ??
  firstOf((uiLocales ?? '').slice(0, 500).split(' ')) ??
  firstOf(acceptedTags(acceptLanguage ?? '')) ??
  locales[0];
