import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { RegistrationTokens } from '../registration-tokens/service.ts';
import type { RegistrationPolicy } from './registration-policy.ts';
import { StatementError, withSoftwareStatement } from './software-statements.ts';

type Middleware = Parameters<Provider['use']>[0];

/** Name of the policy that every initial access token has, as the core wants it. */
export const initialAccessPolicy = 'initial-access';

/** What one registration request may do, settled before the core judges the metadata. */
interface Decision {
  tokenId: string;
  policy: RegistrationPolicy;
  /** The software statement was believed. */
  hasStatement: boolean;
}

const decisions = new WeakMap<object, Decision>();
export const decisionOf = (ctx: object | undefined): Decision | undefined => ctx && decisions.get(ctx);

/** RFC 7591 §3.1, §2.3: takes one use of the token; what its publisher says of the software goes before the client's own words. */
export const initialAccess =
  (tokens: Pick<RegistrationTokens, 'spend'>) =>
  async (ctx: KoaContextWithOIDC, metadata: Record<string, unknown>): Promise<void> => {
    const { id, policy } = (await tokens.spend(ctx.oidc.getAccessToken())) ?? {};
    if (id === undefined || policy === undefined) throw new errors.InvalidToken('initial access token is used up');
    const hasStatement = policy.softwareStatements !== undefined && typeof metadata.software_statement === 'string';
    decisions.set(ctx, { tokenId: id, policy, hasStatement });
    if (policy.softwareStatements === undefined) return;
    try {
      Object.assign(metadata, await withSoftwareStatement(policy.softwareStatements, metadata));
    } catch (error) {
      if (error instanceof StatementError) throw new errors.CustomOIDCProviderError(error.error, error.message);
      throw error;
    }
  };

interface GateDeps {
  path: string;
  mode: 'off' | 'token' | 'open';
  tokens: Pick<RegistrationTokens, 'giveBack'>;
  /** Counts an open registration; absent: no limits. @throws too_many_requests */
  limit: ((ip: string) => Promise<void>) | undefined;
}

/** CL-01: open registration is throttled, a request without any token is told so, and a refused one takes no use. */
export const registrationGate =
  ({ path, mode, tokens, limit }: GateDeps): Middleware =>
  async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== path) return await next();
    if (mode === 'open') await limit?.(ctx.info.ip);
    if (mode === 'token' && !/^bearer \S/i.test(ctx.get('authorization'))) {
      // RFC 6750 §3.1: no error code where no credentials were sent.
      ctx.status = 401;
      ctx.set('WWW-Authenticate', 'Bearer realm="registration"');
      ctx.body = { error: 'invalid_token', error_description: 'an initial access token is required' };
      return;
    }
    let isRegistered = false;
    try {
      await next();
      isRegistered = ctx.status === 201;
    } finally {
      const decision = decisionOf(ctx);
      if (decision && !isRegistered) await tokens.giveBack(decision.tokenId);
    }
  };
