import type { Provider } from 'oidc-provider';
import { errors } from '../errors.ts';

type Middleware = Parameters<Provider['use']>[0];

/** RFC 8707 §2: the one parameter that may come more than once. What the protocol does not know is nobody's business. */
const single = new Set([
  'acr_values',
  'authorization_details',
  'claims',
  'claims_locales',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'display',
  'dpop_jkt',
  'id_token_hint',
  'login_hint',
  'max_age',
  'nonce',
  'prompt',
  'redirect_uri',
  'registration',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
  'ui_locales',
]);

/**
 * RU-04, RFC 6749 §3.1: a page of ours, since nobody can say which of two values was meant, least of all of two addresses.
 * @throws parameter_repeated
 */
export const refuseRepeated = (names: Iterable<string>): void => {
  const seen = new Set<string>();
  for (const name of names) {
    if (single.has(name) && seen.has(name)) {
      throw errors.parameter_repeated({ errors: [{ path: `/${name}`, message: 'must not be given twice' }] });
    }
    seen.add(name);
  }
};

/** Ahead of the authorization endpoint, which would take the registered address where the given one cannot be read. */
export const repeatedParameters: Middleware = async (ctx, next) => {
  refuseRepeated(new URLSearchParams(ctx.querystring).keys());
  await next();
};
