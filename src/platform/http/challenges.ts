import type Koa from 'koa';
import type { Refusal } from '../errors/index.ts';

/** RFC 6750 §2.1; TK-09: tokens in the query are not looked at. */
export const bearerToken = (ctx: Koa.Context): string | undefined => {
  const match = /^(?:Bearer|DPoP) ([\w.~+/-]+=*)$/i.exec(ctx.get('authorization'));
  return match?.[1];
};

/** RFC 6750 §3, RFC 9728 §5.1. */
export const challenge = (issuer: string, members: Record<string, string>): string => {
  const all = { ...members, resource_metadata: `${issuer}/.well-known/oauth-protected-resource` };
  return `Bearer ${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;
};

/** RFC 9470 §3: what to ask for at the authorization endpoint. */
const stepUpChallenge = (issuer: string, { code, extensions }: Refusal): string => {
  const asked = Object.entries(extensions).map(([name, value]) => [name, String(value)] as const);
  return challenge(issuer, { error: code, ...Object.fromEntries(asked) });
};

/** The refusal with the challenge that fits it. */
export const withChallenge = (refusal: Refusal, issuer: string, scope: string): Refusal => {
  if (refusal.headers['WWW-Authenticate']) return refusal;
  if (refusal.status === 401) {
    const isStepUp = refusal.code === 'insufficient_user_authentication';
    const invalid = challenge(issuer, { error: 'invalid_token' });
    refusal.headers['WWW-Authenticate'] = isStepUp ? stepUpChallenge(issuer, refusal) : invalid;
  }
  if (refusal.code === 'insufficient_scope') {
    refusal.headers['WWW-Authenticate'] = challenge(issuer, { error: 'insufficient_scope', scope });
  }
  return refusal;
};
