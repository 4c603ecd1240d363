import type Koa from 'koa';
import { type Envelope, sha256 } from '../crypto/index.ts';
import { errors, Refusal } from '../errors/index.ts';
import type { Clock, Principal } from '../ports.ts';
import type { IdempotencyRepository } from './repository.ts';

const keptSeconds = 86_400;
// A process that died with the key gives it back after this time.
const claimSeconds = 60;
const keyPattern = /^[\x21-\x7e]{1,255}$/;
const keptHeaders = ['Content-Type', 'ETag', 'Location'] as const;

interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | null;
}

export interface IdempotencyDeps {
  keys: IdempotencyRepository;
  envelope: Envelope;
  clock: Clock;
}

/** Runs `work`, which answers on `ctx`, at most once for a caller, path and key. */
export type Idempotency = (ctx: Koa.Context, principal: Principal, body: unknown, work: () => Promise<void>) => Promise<void>;

const answerOf = (ctx: Koa.Context): StoredAnswer => {
  const named = keptHeaders.map((name) => [name, ctx.response.get(name)]).filter(([, value]) => value);
  return {
    status: ctx.status,
    headers: Object.fromEntries(named) as Record<string, string>,
    body: typeof ctx.body === 'string' ? ctx.body : null,
  };
};

const replay = (ctx: Koa.Context, { status, headers, body }: StoredAnswer): void => {
  ctx.status = status;
  ctx.body = body;
  ctx.status = status;
  ctx.set(headers);
  ctx.set('Idempotency-Replayed', 'true');
};

/** `Idempotency-Key` of a POST (draft-ietf-httpapi-idempotency-key-header §2): the first answer is given again for a day. */
export const createIdempotency = ({ keys, envelope, clock }: IdempotencyDeps): Idempotency => {
  const inSeconds = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1000);

  const answerAgain = async (ctx: Koa.Context, id: string, fingerprint: string): Promise<void> => {
    const kept = await keys.find(id);
    if (kept && kept.fingerprint !== fingerprint) throw errors.idempotency_key_reused();
    if (kept?.answerSealed === undefined) throw errors.idempotency_in_progress({ headers: { 'Retry-After': '1' } });
    replay(ctx, JSON.parse(envelope.open(kept.answerSealed, `idempotency:${id}`)) as StoredAnswer);
  };

  return async (ctx, principal, body, work) => {
    const key = ctx.get('idempotency-key');
    if (key === '') return await work();
    if (!keyPattern.test(key)) {
      throw errors.invalid_request({
        errors: [{ path: 'headers/idempotency-key', message: 'is not a key of 1 to 255 letters' }],
      });
    }
    const id = sha256([principal.type, principal.id, principal.clientId, ctx.path, key].join('\n'));
    const fingerprint = sha256(JSON.stringify([ctx.querystring, body]));
    const isOurs = await keys.claim({ id, fingerprint, now: clock.now(), expiresAt: inSeconds(claimSeconds) });
    if (!isOurs) return await answerAgain(ctx, id, fingerprint);
    try {
      await work();
    } catch (error) {
      // A refusal changed nothing. After a fault nobody knows: the key stays taken until its claim ends.
      if (error instanceof Refusal && error.status < 500) await keys.release(id);
      throw error;
    }
    const answer = answerOf(ctx);
    const answerSealed = envelope.seal(JSON.stringify(answer), `idempotency:${id}`);
    await keys.keep(id, { status: answer.status, answerSealed, expiresAt: inSeconds(keptSeconds) });
  };
};
