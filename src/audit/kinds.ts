/** What is asked of the log most: kinds of events, by patterns of `LIKE` on their type. A type that is new is a change until it is named here. */
const decisions = ['authz.decision', 'api.denied'];
const signIns = [
  'authn.login.%',
  'authn.challenge.%',
  'authn.link.%',
  'authn.lock%',
  'authn.logout',
  'authn.unlocked',
  'mfa.code_sent',
  'mfa.clone_suspected',
  'oidc.ciba.%',
  'oidc.consent.%',
  'risk.sign_in',
  'session.%',
];
/** Each comes by the thousand where nothing is wrong. */
const routine = [
  'authz.decision',
  'oidc.backchannel_logout',
  'oidc.token.introspected',
  'oidc.token.issued',
  'oidc.token.refreshed',
  'risk.sign_in',
  'session.started',
];

export interface KindPatterns {
  like?: readonly string[];
  unlike?: readonly string[];
}

export const eventKinds = {
  /** All but what is routine. */
  notable: { unlike: routine },
  'sign-ins': { like: signIns },
  changes: { unlike: [...decisions, ...signIns, ...routine, 'oidc.token.%'] },
  decisions: { like: decisions },
} as const satisfies Record<string, KindPatterns>;

export type EventKind = keyof typeof eventKinds;
