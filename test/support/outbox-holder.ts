/** A process that leases an entry, says so and never answers: the test kills it (F-11). */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { createOutbox } from '../../src/platform/events/index.ts';

const [databaseUrl = '', masterKey = ''] = process.argv.slice(2);
const database = await openDatabase({ databaseUrl, dataDir: ':memory:', poolMax: 4, migrate: false });
const outbox = createOutbox({
  database,
  envelope: createEnvelope([Buffer.from(masterKey, 'base64url')]),
  clock: { now: () => new Date() },
  logger: pino({ level: 'silent' }),
});
outbox.subscribe('mail', async () => {
  process.send?.('leased');
  await sleep(60_000);
});
await outbox.start();
