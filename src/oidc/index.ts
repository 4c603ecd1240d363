/**
 * Owns: the OpenID provider core on oidc-provider (FEATURES P1-P3, P7, P10): storage of every provider model, clients, resources,
 * signing keys, claims, introspection and revocation of opaque and JWT access tokens, first-party tokens.
 * Answers to: RFC 6749, 7009, 7636, 7662, 8414, 8628, 8707, 9068, 9126, 9207, 9728, OpenID Connect Core, Discovery, RP-Initiated
 * and Back-Channel Logout 1.0.
 */
export { type BootstrapRegistrations, judgeBootstrap } from './bootstrap/service.ts';
export { authorizationPath, pagesClientId } from './browser/service.ts';
export { managerOf } from './clients/manager.ts';
export { ClientBody, SecretBody } from './clients/schema.ts';
export { sealedSecrets } from './clients/secrets.ts';
export type { Clients } from './clients/service.ts';
export { compareRedirect } from './clients/uris.ts';
export { createOidc, type Oidc, type OidcDeps } from './create.ts';
export { firstPartyClientId } from './first-party/builtin.ts';
export { type ExaminedKey, examineKeys } from './keys/examine.ts';
export { sealedKeys, signingAlgorithms } from './keys/generate.ts';
export type { Keys, KeyView } from './keys/service.ts';
export type {
  AccountSource,
  ClientRecord,
  ClientSettings,
  ClientSource,
  DeviceInfo,
  Ending,
  EntitlementSource,
  ExchangePolicy,
  KeySource,
  ResourceRecord,
  ResourceSource,
  SessionRecorder,
  SessionStart,
} from './ports.ts';
export { proofAlgorithms } from './protocol/dpop-proofs.ts';
export type { DeviceProblem, ProtocolPages } from './provider/pages.ts';
export { ResourceBody, type ResourceView } from './resources/schema.ts';
export type { Resources } from './resources/service.ts';
export type {
  ApprovalDetails,
  ApprovalPages,
  BrowserSession,
  BrowserSessions,
  ClientView,
  ConnectedApplication,
  ConnectedApplications,
  ConsentRequest,
  Endings,
  Exchange,
  FirstParty,
  FirstPartyTokens,
  InteractionDetails,
  Interactions,
  LoginOutcome,
  SessionReference,
} from './surface.ts';
