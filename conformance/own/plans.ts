import { type Entry, entriesOf } from './engine.ts';

const dynamic = { server_metadata: 'discovery', client_registration: 'dynamic_client' };
const responseTypes = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];

const fapi2 = (fixed: Record<string, string>): Record<string, string>[] =>
  ['private_key_jwt', 'mtls'].flatMap((auth) =>
    ['dpop', 'mtls'].map((bind) => ({
      client_auth_type: auth,
      sender_constrain: bind,
      fapi_profile: 'plain_fapi',
      openid: 'openid_connect',
      authorization_request_type: 'simple',
      ...fixed,
    })),
  );

const fapi1 = ['private_key_jwt', 'mtls'].flatMap((auth) =>
  ['plain_response', 'jarm'].flatMap((mode) =>
    ['by_value', 'pushed'].map((request) => ({
      client_auth_type: auth,
      fapi_profile: 'plain_fapi',
      fapi_response_mode: mode,
      fapi_auth_request_method: request,
    })),
  ),
);

const ciba = ['private_key_jwt', 'mtls'].flatMap((auth) =>
  ['poll', 'ping'].map((mode) => ({
    client_auth_type: auth,
    ciba_mode: mode,
    fapi_ciba_profile: 'plain_fapi',
    client_registration: 'static_client',
  })),
);

/** In these every value of a variant occurs, and every module. */
const few = new Set([
  'private_key_jwt dpop',
  'mtls mtls',
  'private_key_jwt jarm pushed',
  'mtls plain_response by_value',
  'private_key_jwt poll',
  'mtls ping',
]);

/** `npm test` runs FAPI's plans on two of their variants each, `npm run conformance` on all. */
export const isOfTheFew = (variant: Record<string, string>): boolean => {
  const { client_auth_type: auth, fapi_profile: fapi, fapi_ciba_profile: ciba, ...rest } = variant;
  if (fapi === undefined && ciba === undefined) return true;
  const { fapi_response_mode: mode, fapi_auth_request_method: request, sender_constrain: bind, ciba_mode: delivery } = rest;
  return few.has([auth, ...(request === undefined ? [bind ?? delivery] : [mode, request])].join(' '));
};

interface OwnPlan {
  plan: string;
  variants: Record<string, string>[];
}

/** The plans we express ourselves, each with the variants of `conformance/plans`; AuthZEN’s find their way by discovery here. */
const ownPlans: readonly OwnPlan[] = [
  ...['basic', 'implicit', 'hybrid', 'config', 'formpost-basic', 'formpost-implicit', 'formpost-hybrid'].map((name) => ({
    plan: `oidcc-${name}-certification-test-plan`,
    variants: [dynamic],
  })),
  ...['dynamic', '3rdparty-init-login'].map((name) => ({
    plan: `oidcc-${name}-certification-test-plan`,
    variants: responseTypes.map((type) => ({ ...dynamic, response_type: type })),
  })),
  ...['rp-initiated-logout', 'session-management', 'frontchannel-rp-initiated-logout', 'backchannel-rp-initiated-logout'].map(
    (name) => ({
      plan: `oidcc-${name}-certification-test-plan`,
      variants: ['code', 'code id_token'].map((type) => ({ ...dynamic, response_type: type })),
    }),
  ),
  ...['evaluation', 'evaluations', 'subject-search', 'resource-search', 'action-search'].map((name) => ({
    plan: `authzen-pdp-${name}-test-plan`,
    variants: [{ pdp_server_metadata: 'discovery', pdp_auth_type: 'api_key', authzen_support: 'properties' }],
  })),
  { plan: 'fapi1-advanced-final-test-plan', variants: fapi1 },
  { plan: 'fapi-ciba-id1-test-plan', variants: ciba },
  { plan: 'fapi2-security-profile-final-test-plan', variants: fapi2({}) },
  {
    plan: 'fapi2-message-signing-final-test-plan',
    variants: fapi2({ fapi_request_method: 'signed_non_repudiation', fapi_response_mode: 'jarm' }),
  },
];

/** Whether a plan is meant by one of the words of the command line: its name or a part of it. */
export const isMeant = (plan: string, words: readonly string[]): boolean =>
  words.length === 0 || words.some((word) => plan === word || `-${plan}-`.includes(`-${word}-`));

export const ownEntries = (words: readonly string[]): Entry[] =>
  ownPlans
    .filter(({ plan }) => isMeant(plan, words))
    .flatMap(({ plan, variants }) => variants.flatMap((variant) => entriesOf(plan, variant)));
