import type Koa from 'koa';
import type { Refusal } from '../errors/index.ts';
import type { Authenticator, PresentedToken } from '../ports.ts';

export type HeaderToken = Pick<PresentedToken, 'scheme' | 'value'>;

/** RFC 6750 §2.1, RFC 9449 §7.1; TK-09: tokens in the query are not looked at. */
export const headerToken = (ctx: Koa.Context): HeaderToken | undefined => {
  const match = /^(Bearer|DPoP) ([\w.~+/-]+=*)$/i.exec(ctx.get('authorization'));
  if (match?.[2] === undefined) return undefined;
  return { scheme: match[1]?.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', value: match[2] };
};

type Members = Record<string, string>;

const challenge = (scheme: string, members: Members): string =>
  `${scheme} ${Object.entries(members)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;

/** RFC 6750 §3 in the words of RFC 9470 §3 where a newer or stronger sign-in would do. */
const membersOf = ({ code, status, extensions }: Refusal, scope: string): Members | undefined => {
  if (code === 'insufficient_user_authentication') {
    return Object.fromEntries([['error', code], ...Object.entries(extensions).map(([name, value]) => [name, String(value)])]);
  }
  if (code === 'insufficient_scope') return { error: code, scope };
  if (code === 'unauthenticated') return { error: 'invalid_token' };
  return status === 401 ? { error: code } : undefined;
};

export interface Challenges {
  /** Of a request that brings no token. */
  unasked(): string;
  /** The refusal with the challenge that fits it and the scheme the caller came with. */
  withChallenge(refusal: Refusal, scope: string, scheme: PresentedToken['scheme'] | undefined): Refusal;
}

/** RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1: what a refused caller is told of how to come. */
export const createChallenges = (issuer: string, { algorithms }: Authenticator['dpop']): Challenges => {
  const metadata = { resource_metadata: `${issuer}/.well-known/oauth-protected-resource` };
  const algs = { algs: algorithms.join(' ') };
  const bearer = (members: Members): string => challenge('Bearer', { ...members, ...metadata });
  const dpop = (members: Members): string => challenge('DPoP', { ...members, ...algs, ...metadata });
  const either = (members: Members): string => `${bearer(members)}, ${challenge('DPoP', algs)}`;

  return {
    unasked: () => either({}),
    withChallenge: (refusal, scope, scheme) => {
      const members = membersOf(refusal, scope);
      if (members === undefined || refusal.headers['WWW-Authenticate']) return refusal;
      const isOfKeys = scheme === 'DPoP';
      const asBearer = refusal.code === 'unauthenticated' ? either : bearer;
      refusal.headers['WWW-Authenticate'] = isOfKeys ? dpop(members) : asBearer(members);
      return refusal;
    },
  };
};
