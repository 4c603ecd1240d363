import { decodeJwt } from 'jose';
import type { Provider } from 'oidc-provider';
import { isRecent } from './dpop-proofs.ts';

type Middleware = Parameters<Provider['use']>[0];

/** Refused by the core as what it is: no proof. */
const unusable = 'stale';

const isOutOfTime = (proof: string): boolean => {
  try {
    return !isRecent(decodeJwt(proof).iat);
  } catch {
    return false;
  }
};

/**
 * TK-08: a nonce of ours says that a proof is new, and the core asks no more then; its own time has to say so as well. TK-03: the core
 * lets a proof be made as far ahead as it may be old.
 */
export const proofAge: Middleware = async (ctx, next) => {
  const { dpop } = ctx.req.headers;
  if (typeof dpop === 'string' && isOutOfTime(dpop)) ctx.req.headers.dpop = unusable;
  await next();
};
