import { type Client, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { errors as ownErrors } from '../errors.ts';
import { settingsOf } from '../provider/client-view.ts';
import { spendRequestObject } from './request-objects.ts';

type Middleware = Parameters<Provider['use']>[0];

/** Name of a parameter that nobody sends and that means nothing: it carries the validator below. */
export const requestMarker = 'castellan_request';

const isOpenId = (scope: unknown): boolean => typeof scope === 'string' && scope.split(' ').includes('openid');

/**
 * OpenID Connect Core §3.1.2.1: `redirect_uri` is required. The core takes the only registered one where none is given, as plain
 * OAuth may (RFC 6749 §3.1.2.3), and then the request itself cannot be told from a complete one.
 */
export const redirectUriRequired: Middleware = async (ctx, next) => {
  const { redirect_uri: given, request, request_uri: reference, scope } = ctx.query;
  if (ctx.method === 'GET' && (given ?? request ?? reference) === undefined && isOpenId(scope)) {
    throw ownErrors.redirect_uri_missing({ errors: [{ path: '/redirect_uri', message: 'is required' }] });
  }
  await next();
};

/** RU-06, RP-Initiated Logout §3: an address to go on to counts only with the client that it belongs to. */
export const logoutTargetProven: Middleware = async (ctx, next) => {
  const { post_logout_redirect_uri: target, id_token_hint: hint, client_id: clientId } = ctx.query;
  if (ctx.method === 'GET' && target !== undefined && (hint ?? clientId) === undefined) {
    throw ownErrors.logout_target_unproven({ errors: [{ path: '/client_id', message: 'or id_token_hint is required' }] });
  }
  await next();
};

const checkPushed = ({ oidc: { route, body } }: KoaContextWithOIDC): void => {
  if (route !== 'pushed_authorization_request' || !body || body.request !== undefined) return;
  if (body.redirect_uri === undefined && isOpenId(body.scope)) throw new errors.InvalidRequest('redirect_uri is missing');
};

/** FAPI 1.0 Advanced §5.2.2 (2): `code id_token`, or `code` with an answer that is signed. */
const checkSignedAnswer = ({ oidc: { params } }: KoaContextWithOIDC, client: Client): void => {
  if (settingsOf(client).profile !== 'fapi1' || params?.response_type !== 'code') return;
  if (!/(^|\.)jwt$/.test(String(params.response_mode ?? ''))) {
    throw new errors.InvalidRequest('response_type code needs a response_mode of JARM for this client');
  }
};

/** What the core leaves to a profile or to us; it runs this once for each request, behind its own checks. */
export const checkRequest = async (ctx: KoaContextWithOIDC, _value: unknown, client: Client): Promise<void> => {
  checkPushed(ctx);
  checkSignedAnswer(ctx, client);
  await spendRequestObject(ctx, client);
};
