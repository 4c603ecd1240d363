import catalogue from '../catalogue.json' with { type: 'json' };
import { overrides, type Script, scriptsOf } from './browser-scripts.ts';

/** One plan as the official suite runs it: which variants, and the configuration it is given. */
export interface PlanFile {
  plan: string;
  variants: readonly Record<string, string>[];
  configuration: Record<string, unknown>;
}

const responseTypes = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
const discoveryUrl = '{ISSUER}/.well-known/openid-configuration';
const server = { discoveryUrl };
const client = { client_name: 'castellan conformance' };
const second = { client_name: 'castellan conformance, second client' };

// `jwks_refresh_delay` stays the suite's 60 s: the core fetches a client's keys at most once a minute.
const oidc = { server: { ...server, login_hint: '{LOGIN}' }, client, client2: second };
const dynamicClient = { server_metadata: 'discovery', client_registration: 'dynamic_client' };
/** The logout plans read the metadata themselves; only the client is chosen. */
const perResponseType = (types: string[], fixed: Record<string, string> = {}): Record<string, string>[] =>
  types.map((type) => ({ ...fixed, response_type: type }));

/** Static clients: `fapi-clients.ts` makes them with their keys and certificates and registers them by a bootstrap file. */
const fapiClient = (name: string): Record<string, unknown> => ({
  client_id: name,
  scope: 'openid offline_access',
  jwks: `{JWKS:${name}}`,
});
const certificate = (name: string): Record<string, string> => ({
  cert: `{CERT:${name}}`,
  key: `{KEY:${name}}`,
  ca: `{CERT:${name}}`,
});
const bothCertificates = (name: string): Record<string, unknown> => ({
  mtls: certificate(`${name}-1`),
  mtls2: certificate(`${name}-2`),
});
type Fields = Record<string, unknown>;
const fapiClients = (name: string, both: Fields = {}, first: Fields = {}, second: Fields = {}) => ({
  client: { ...fapiClient(`${name}-1`), ...both, ...first },
  client2: { ...fapiClient(`${name}-2`), ...both, ...second },
});
const names = {
  fapi1: 'conformance-fapi1-{AUTH}-mtls',
  fapi2: 'conformance-fapi2-{AUTH}-{BIND}',
  messageSigning: 'conformance-fapi2-ms-{AUTH}-{BIND}',
  ciba: 'conformance-ciba-{AUTH}-{MODE}',
};
const resource = { resource: { resourceUrl: '{ISSUER}/userinfo' } };

const fapi2Variants = (extra: Record<string, string>): Record<string, string>[] =>
  ['private_key_jwt', 'mtls'].flatMap((auth) =>
    ['dpop', 'mtls'].map((constraint) => ({
      client_auth_type: auth,
      sender_constrain: constraint,
      openid: 'openid_connect',
      authorization_request_type: 'simple',
      fapi_profile: 'plain_fapi',
      ...extra,
    })),
  );

/** Where each plan asks, beside the evaluation. */
const authzen: Record<string, Record<string, string>> = {
  evaluation: {},
  evaluations: { access_evaluations_endpoint: '{ISSUER}/access/v1/evaluations' },
  'subject-search': { search_subject_endpoint: '{ISSUER}/access/v1/search/subject' },
  'resource-search': { search_resource_endpoint: '{ISSUER}/access/v1/search/resource' },
  'action-search': { search_action_endpoint: '{ISSUER}/access/v1/search/action' },
};

const definitions: readonly PlanFile[] = [
  ...['basic', 'implicit', 'hybrid', 'formpost-basic', 'formpost-implicit', 'formpost-hybrid'].map((name) => ({
    plan: `oidcc-${name}-certification-test-plan`,
    variants: [dynamicClient],
    configuration: name.includes('implicit') ? { server: oidc.server, client } : oidc,
  })),
  { plan: 'oidcc-config-certification-test-plan', variants: [{}], configuration: { server } },
  {
    plan: 'oidcc-dynamic-certification-test-plan',
    variants: perResponseType(responseTypes),
    configuration: { server, client, client2: second },
  },
  {
    plan: 'oidcc-3rdparty-init-login-certification-test-plan',
    variants: perResponseType(responseTypes),
    configuration: { server, client },
  },
  ...['rp-initiated-logout', 'session-management', 'frontchannel-rp-initiated-logout', 'backchannel-rp-initiated-logout'].map(
    (name) => ({
      plan: `oidcc-${name}-certification-test-plan`,
      variants: perResponseType(['code', 'code id_token'], { client_registration: 'dynamic_client' }),
      configuration: { server, client },
    }),
  ),
  {
    plan: 'fapi1-advanced-final-test-plan',
    variants: ['private_key_jwt', 'mtls'].flatMap((auth) =>
      ['plain_response', 'jarm'].flatMap((mode) =>
        ['by_value', 'pushed'].map((request) => ({
          client_auth_type: auth,
          fapi_profile: 'plain_fapi',
          fapi_response_mode: mode,
          fapi_auth_request_method: request,
        })),
      ),
    ),
    configuration: { server, ...fapiClients(names.fapi1), ...bothCertificates(names.fapi1), ...resource },
  },
  {
    plan: 'fapi2-security-profile-final-test-plan',
    variants: fapi2Variants({}),
    configuration: {
      server,
      ...fapiClients(names.fapi2, { dpop_signing_alg: 'ES256' }),
      ...bothCertificates(names.fapi2),
      ...resource,
    },
  },
  {
    plan: 'fapi2-message-signing-final-test-plan',
    variants: fapi2Variants({ fapi_request_method: 'signed_non_repudiation', fapi_response_mode: 'jarm' }),
    configuration: {
      server,
      ...fapiClients(names.messageSigning, { dpop_signing_alg: 'ES256' }),
      ...bothCertificates(names.messageSigning),
      ...resource,
    },
  },
  {
    plan: 'fapi-ciba-id1-test-plan',
    variants: ['private_key_jwt', 'mtls'].flatMap((auth) =>
      ['poll', 'ping'].map((mode) => ({
        client_auth_type: auth,
        ciba_mode: mode,
        fapi_ciba_profile: 'plain_fapi',
        client_registration: 'static_client',
      })),
    ),
    configuration: {
      server,
      automated_ciba_approval_url: '{ISSUER}/conformance/ciba?auth_req_id={auth_req_id}&action={action}',
      ...fapiClients(
        names.ciba,
        {},
        { hint_type: 'login_hint', hint_value: '{LOGIN}' },
        { acr_value: 'urn:castellan:acr:password' },
      ),
      ...bothCertificates(names.ciba),
      ...resource,
    },
  },
  // Not `discovery`: the suite (5.2.4) puts what it discovers in the place of the `pdp` of the configuration, and `api_key` is lost.
  ...Object.entries(authzen).map(([name, endpoints]) => ({
    plan: `authzen-pdp-${name}-test-plan`,
    variants: [{ pdp_server_metadata: 'static', pdp_auth_type: 'api_key', authzen_support: 'properties' }],
    configuration: {
      pdp: {
        policy_decision_point: '{ISSUER}',
        access_evaluation_endpoint: '{ISSUER}/access/v1/evaluation',
        ...endpoints,
        api_key: '{TOKEN:authzen}',
      },
    },
  })),
  ...['openid-ssf-transmitter-test-plan', 'openid-ssf-transmitter-caep-test-plan'].map((plan) => ({
    plan,
    variants: ['push', 'poll'].map((delivery) => ({
      ssf_server_metadata: 'discovery',
      ssf_delivery_mode: delivery,
      ssf_auth_mode: 'static',
    })),
    configuration: {
      ssf: { transmitter: { issuer: '{ISSUER}', access_token: '{TOKEN:ssf}' } },
    },
  })),
];

const modulesOf = new Map(catalogue.plans.map((plan) => [plan.name, new Set(plan.groups.flatMap(({ modules }) => modules))]));

const plainAlias = (plan: string): string => `castellan-${plan.replace(/-(certification-)?test-plan$/, '')}`;

/** The addresses of static clients hold the alias, so each pair of clients has its own (`target.ts`). */
const aliasOf = (plan: string): string =>
  ({
    'fapi1-advanced-final-test-plan': names.fapi1,
    'fapi2-security-profile-final-test-plan': names.fapi2,
    'fapi2-message-signing-final-test-plan': names.messageSigning,
    'fapi-ciba-id1-test-plan': names.ciba,
  })[plan] ?? plainAlias(plan);

/** A browser is driven where people sign in; machine-to-machine plans have no page. */
const withBrowser = ({ plan, variants, configuration }: PlanFile): PlanFile => {
  const own: Record<string, { browser: readonly Script[] }> = {};
  for (const [module, override] of Object.entries(overrides)) if (modulesOf.get(plan)?.has(module)) own[module] = override;
  const usesPages = plan.startsWith('oidcc-') ? plan !== 'oidcc-config-certification-test-plan' : plan.startsWith('fapi');
  // What an engine of old makes of a stylesheet of today must not decide what it can press.
  const options = { browsercontrol_css_enable: false };
  const pages = usesPages ? { options, browser: scriptsOf(plan), ...(Object.keys(own).length > 0 ? { override: own } : {}) } : {};
  const common = { alias: aliasOf(plan), description: 'Castellan' };
  // With dynamic clients the suite makes its own addresses, and modules may then run side by side (README of the suite, §1.1).
  const isDynamic = variants.every((variant) => variant.client_registration === 'dynamic_client');
  const head = isDynamic ? { description: common.description } : common;
  return { plan, variants, configuration: { ...head, ...configuration, ...pages } };
};

export const planFiles: readonly PlanFile[] = definitions.map(withBrowser);
