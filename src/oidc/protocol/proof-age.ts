import { decodeJwt } from 'jose';
import type { Provider } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** Seconds, as the core has it for proofs without a nonce (RFC 9449 §11.1). */
const windowSeconds = 300;
/** Refused by the core as what it is: no proof. */
const unusable = 'stale';

const isStale = (proof: string): boolean => {
  try {
    const { iat } = decodeJwt(proof);
    return typeof iat !== 'number' || Math.abs(Date.now() / 1000 - iat) > windowSeconds;
  } catch {
    return false;
  }
};

/** TK-08: a nonce of ours says that a proof is new, and the core asks no more then; its own time has to say so as well. */
export const proofAge: Middleware = async (ctx, next) => {
  const { dpop } = ctx.req.headers;
  if (typeof dpop === 'string' && isStale(dpop)) ctx.req.headers.dpop = unusable;
  await next();
};
