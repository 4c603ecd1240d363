/** Koa, its router and a parsed JSON body, with an answer that is always the same: the reference of HTTP decisions. */
import Koa from 'koa';
import Router from 'koa-router';
import getRawBody from 'raw-body';

const [port] = process.argv.slice(2);
const router = new Router();
router.get('/.well-known/openid-configuration', (ctx) => {
  ctx.body = {};
});
router.post('/access/v1/evaluation', async (ctx) => {
  const body = JSON.parse(await getRawBody(ctx.req, { encoding: 'utf8', limit: 100_000 })) as { subject?: unknown };
  ctx.body = { decision: body.subject !== undefined };
});
new Koa().use(router.routes()).listen(Number(port), '127.0.0.1');
process.on('message', (message: { type: string }) => {
  if (message.type === 'usage') process.send?.({ type: 'usage', cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
