export const kinds = ['google', 'facebook', 'github', 'oidc'] as const;
export type ProviderKind = (typeof kinds)[number];

export const clientAuthentications = ['client_secret_basic', 'client_secret_post', 'none'] as const;
export type ClientAuthentication = (typeof clientAuthentications)[number];

/** Somebody else's sign-in that people may use here, ready to be asked. */
export interface Provider {
  /** Its name in addresses. */
  name: string;
  displayName: string;
  kind: ProviderKind;
  /** Whose it is; `null`: the deployment's own. */
  organizationId: string | null;
  /** SO-05: with the subject it names a person. */
  issuer: string;
  /** Where its endpoints are instead, for tests (`SOCIAL_*_BASE_URL`). */
  baseUrl: string | undefined;
  clientId: string;
  clientSecret: string | undefined;
  clientAuthentication: ClientAuthentication;
  scopes: readonly string[];
  /** Domains of addresses that it answers for as their owner would; `*`: all. */
  trustedDomains: readonly string[];
  /** Whether its second factor stands for ours. */
  trustsFactors: boolean;
  /** Whether somebody new may come this way, where sign-up is open. */
  allowsSignUp: boolean;
  /** Changes with its settings. */
  revision: string;
}

/** Google and GitHub let people choose an account again, but never make them prove it again, and say nothing of when they did. */
export const asksAgain = ({ kind }: Pick<Provider, 'kind'>): boolean => kind !== 'google' && kind !== 'github';

/** What each kind is unless told otherwise. */
export const usual: Record<Exclude<ProviderKind, 'oidc'>, { issuer: string; displayName: string; scopes: readonly string[] }> = {
  google: { issuer: 'https://accounts.google.com', displayName: 'Google', scopes: ['openid', 'email', 'profile'] },
  // As https://www.facebook.com/.well-known/openid-configuration names it.
  facebook: { issuer: 'https://www.facebook.com', displayName: 'Facebook', scopes: ['public_profile', 'email'] },
  // RFC 8414 metadata at https://github.com/.well-known/oauth-authorization-server/login/oauth
  github: { issuer: 'https://github.com/login/oauth', displayName: 'GitHub', scopes: ['read:user', 'user:email'] },
};
