import { Readable } from 'node:stream';
import type { Provider } from 'oidc-provider';
import getRawBody from 'raw-body';

type Middleware = Parameters<Provider['use']>[0];

const maxBytes = 8 * 1024;
const formType = 'application/x-www-form-urlencoded';

/** What the core calls the two answers. */
const answers: Record<string, string> = { allow: 'confirm', deny: 'abort' };

/**
 * The page asks with `decision` (CONTRACT.md, "Forms"); the core waits for a field per answer. Nothing else of the form changes.
 * @param path of the page where codes are entered
 */
export const deviceDecision =
  (path: string): Middleware =>
  async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== path || !ctx.is(formType)) return await next();
    const form = new URLSearchParams(await getRawBody(ctx.req, { limit: maxBytes, encoding: 'utf8' }));
    const [decision = '', ...more] = form.getAll('decision');
    const answer = more.length === 0 ? answers[decision] : undefined;
    form.delete('decision');
    if (answer !== undefined) form.set(answer, 'yes');
    const body = Buffer.from(form.toString());
    ctx.req.headers['content-length'] = String(body.length);
    const again = Readable.from([body]);
    // The core reads the request itself: it is given a second reading of it.
    Object.defineProperties(ctx.req, { readable: { value: true }, iterator: { value: () => again[Symbol.asyncIterator]() } });
    await next();
  };
