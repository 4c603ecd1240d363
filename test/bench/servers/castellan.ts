/** `npm start`, and an ear for the bench that asks what the process used. */
process.on('message', (message: { type: string }) => {
  if (message.type === 'usage') process.send?.({ type: 'usage', cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
await import('../../../src/main.ts');
