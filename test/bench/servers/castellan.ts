/** `npm start`, and an ear for the bench that asks what the process used. `castellan.ts without-audit`: as if it kept no events. */
import { registerHooks } from 'node:module';

process.on('message', (message: { type: string }) => {
  if (message.type === 'usage') process.send?.({ type: 'usage', cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
const [audit] = process.argv.slice(2);
if (audit === 'without-audit') {
  const standIn = new URL('./without-audit.ts', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      return found.url.endsWith('/src/audit/index.ts') && context.parentURL !== standIn ? { ...found, url: standIn } : found;
    },
  });
}
await import('../../../src/main.ts');
