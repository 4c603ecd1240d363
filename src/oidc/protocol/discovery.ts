import type { Middleware } from 'koa';
import type { Config } from '../../platform/config/index.ts';
import { checkSessionPath } from './session-state.ts';

const paths = new Set(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']);

/** What the core does not say of itself because it is ours (GROUND.md §8), and what is off for everybody who was not allowed it. */
const additionsOf = ({ issuer, profile }: Config): Record<string, unknown> => ({
  request_uri_parameter_supported: true,
  require_request_uri_registration: true,
  frontchannel_logout_supported: true,
  frontchannel_logout_session_supported: true,
  prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
  ...(profile === 'conformance'
    ? { check_session_iframe: `${issuer}${checkSessionPath}` }
    : { response_types_supported: ['code'] }),
});

export const discoveryAdditions = (config: Config): Middleware => {
  const additions = additionsOf(config);
  return async (ctx, next) => {
    await next();
    if (!paths.has(ctx.path) || typeof ctx.body !== 'object' || ctx.body === null) return;
    const { grant_types_supported: grants, ...document } = ctx.body as { grant_types_supported?: string[] };
    const isOpen = config.profile === 'conformance';
    ctx.body = { ...document, grant_types_supported: grants?.filter((grant) => isOpen || grant !== 'implicit'), ...additions };
  };
};
