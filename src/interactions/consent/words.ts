import type { ConsentRequest } from '../../oidc/index.ts';
import type { Translator } from '../../platform/views/index.ts';

/** One thing the application would get, as a sentence with the value concerned. */
export interface ConsentItem {
  icon: string;
  title: string;
  detail: string | undefined;
}

export interface ConsentGroup {
  title: string;
  items: ConsentItem[];
}

type Claims = Readonly<Record<string, unknown>>;
type Words = Pick<Translator, 'text'>;

// OIDC Core 1.0 §5.4. The words for each are `consent.<scope>`.
const icons: Record<string, string> = { openid: 'key', profile: 'person', email: 'mail', phone: 'phone', address: 'home' };

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const addressOf = (claims: Claims): string | undefined => {
  const { address } = claims;
  if (typeof address !== 'object' || address === null) return undefined;
  const { formatted, street_address, postal_code, locality, country } = address as Record<string, unknown>;
  const parts = [street_address, postal_code, locality, country].map(textOf).filter((part) => part !== undefined);
  return textOf(formatted)?.replace(/\s*\n\s*/g, ', ') ?? (parts.length > 0 ? parts.join(', ') : undefined);
};

/** The value that the scope would hand over, so that nobody has to guess. */
const valueConcerned = (scope: string, claims: Claims, words: Words): string | undefined => {
  switch (scope) {
    case 'openid':
      return words.text('consent.openid_detail');
    case 'email':
      return textOf(claims.email) ?? words.text('consent.not_entered');
    case 'phone':
      return textOf(claims.phone_number) ?? words.text('consent.not_entered');
    case 'address':
      return addressOf(claims) ?? words.text('consent.not_entered');
    default: {
      const rest = words.text('consent.profile_detail');
      const name = textOf(claims.name);
      return name === undefined ? rest : `${name}. ${rest}`;
    }
  }
};

const scopeItem = (scope: string, claims: Claims, words: Words): ConsentItem => {
  const icon = icons[scope];
  if (icon === undefined) return { icon: 'check', title: scope, detail: undefined };
  return { icon, title: words.text(`consent.${scope}`), detail: valueConcerned(scope, claims, words) };
};

const claimItem = (name: string, claims: Claims, words: Words): ConsentItem => ({
  icon: 'check',
  title: words.text('consent.claim', { name: name.replaceAll('_', ' ') }),
  detail: textOf(claims[name]),
});

const detailItem = (detail: Readonly<Record<string, unknown>>, words: Words): ConsentItem => {
  const { type, ...rest } = detail;
  const parts = Object.entries(rest).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return { icon: 'check', title: words.text('consent.details', { type: String(type) }), detail: parts.join('; ') || undefined };
};

const aboutYou = (consent: ConsentRequest, claims: Claims, words: Words): ConsentItem[] => [
  ...consent.scopes.filter((scope) => scope !== 'offline_access').map((scope) => scopeItem(scope, claims, words)),
  ...consent.claims.map((name) => claimItem(name, claims, words)),
];

const access = (consent: ConsentRequest, client: string, words: Words): ConsentItem[] => [
  ...consent.authorizationDetails.map((detail) => detailItem(detail, words)),
  ...(consent.scopes.includes('offline_access')
    ? [
        {
          icon: 'clock',
          title: words.text('consent.offline_access'),
          detail: words.text('consent.offline_access_detail', { client }),
        },
      ]
    : []),
];

/** Everything the application asks for, grouped by where it is. Nothing is folded away: it is all readable before a click. */
export const wordsOfConsent = (
  consent: ConsentRequest,
  { claims, client, words }: { claims: Claims; client: string; words: Words },
): ConsentGroup[] => {
  const groups = [
    { title: words.text('consent.you'), items: aboutYou(consent, claims, words) },
    ...consent.resources.map(({ name, scopes }) => ({
      title: words.text('consent.at', { resource: name }),
      items: scopes.map((scope) => ({ icon: 'check', title: scope.description ?? scope.name, detail: undefined })),
    })),
    { title: words.text('consent.access'), items: access(consent, client, words) },
  ].filter(({ items }) => items.length > 0);
  if (groups.length > 0) return groups;
  return [
    { title: words.text('consent.access'), items: [{ icon: 'check', title: words.text('consent.none'), detail: undefined }] },
  ];
};
