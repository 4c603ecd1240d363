import type { Provider } from '../providers/provider.ts';

/** Who a provider says somebody is. */
export interface UpstreamPerson {
  issuer: string;
  subject: string;
  /** As the provider spells it. */
  email: string | undefined;
  /** SO-01: only a boolean `true` is one. */
  emailVerified: boolean;
  /** Google: the Workspace domain that runs the account. */
  hostedDomain: string | undefined;
  /** What the person is called there, for people to recognize. */
  name: string | undefined;
  /** OpenID Connect standard claims for a new account. */
  claims: Record<string, string>;
  acr: string | undefined;
  amr: readonly string[];
}

/** What one sign-in at a provider is checked by. */
export interface Checks {
  state: string;
  nonce: string;
  verifier: string;
  /** Seconds; 0: the person signs in anew. */
  maxAgeSeconds?: number | undefined;
}

export interface Wishes extends Pick<Checks, 'maxAgeSeconds'> {
  loginHint?: string | undefined;
  acrValues?: string | undefined;
  locale?: string | undefined;
}

/** Why a sign-in at a provider brought nobody. */
export type UpstreamFailure =
  /** The person, or their administrator there, said no. */
  | 'denied'
  /** It cannot be reached, or answers with an error. */
  | 'unavailable'
  /** Its answer does not hold what it must (SO-04). */
  | 'untrusted';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamFailure;
  /** For the audit event: a short word, nothing that the provider wrote. */
  readonly reason: string;
  constructor(kind: UpstreamFailure, reason: string, cause?: unknown) {
    super(`the upstream sign-in failed: ${reason}`, { cause });
    this.kind = kind;
    this.reason = reason;
  }
}

/** How one kind of provider is spoken to. */
export interface Dialect {
  /** Where to send the person. @throws UpstreamError */
  authorizationUrl(provider: Provider, redirectUri: string, checks: Checks, wishes: Wishes): Promise<URL>;
  /** Who came back. @param answer the redirect URI with what the provider added. @throws UpstreamError */
  person(provider: Provider, answer: URL, checks: Checks): Promise<UpstreamPerson>;
}

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 320) : undefined;

/** Those of the wanted standard claims that there are. */
export const claimsFrom = (source: Record<string, unknown>, names: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([claim, name]): [string, string][] => {
      const value = text(source[name]);
      return value === undefined ? [] : [[claim, value]];
    }),
  );
