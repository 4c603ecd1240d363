import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { answeredAcr, type Level, leastLevel } from '../../platform/assurance/index.ts';

export interface AcrWish {
  values: readonly string[];
  /** OpenID Connect Core §5.5.1.1: an error where none can be had. */
  isEssential: boolean;
}

interface AcrRequest {
  value?: unknown;
  values?: unknown;
  essential?: unknown;
}

const acrRequest = (claims: unknown): AcrRequest => {
  try {
    const asked = typeof claims === 'string' ? (JSON.parse(claims) as { id_token?: { acr?: unknown } }) : undefined;
    return (asked?.id_token?.acr ?? {}) as AcrRequest;
  } catch {
    // The core refuses such a request itself.
    return {};
  }
};

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);

/** What an authorization request asks of the sign-in, by `claims` or `acr_values`. */
export const acrWish = (params: Readonly<Record<string, unknown>>): AcrWish => {
  const { value, values, essential } = acrRequest(params.claims);
  const claimed = typeof value === 'string' ? [value] : texts(values);
  const wished = typeof params.acr_values === 'string' ? params.acr_values.split(' ').filter(Boolean) : [];
  return { values: claimed.length > 0 ? claimed : wished, isEssential: essential === true && claimed.length > 0 };
};

/** The level that has to be reached; 0 when nothing known is asked for. */
export const wishedLevel = (params: Readonly<Record<string, unknown>>): Level => leastLevel(acrWish(params).values);

/** Tells a relying party the level in the words it asked with (Core §5.5.1.1), while the session keeps ours. */
export const answerAcrInTheirWords = (provider: Provider): void => {
  const { OIDCContext } = provider as unknown as { OIDCContext: { prototype: object } };
  Object.defineProperty(OIDCContext.prototype, 'acr', {
    configurable: true,
    get(this: KoaContextWithOIDC['oidc']) {
      return answeredAcr(this.session?.acr, acrWish(this.params ?? {}).values);
    },
  });
};
