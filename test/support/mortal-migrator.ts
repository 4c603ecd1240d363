/**
 * A first start of the embedded database that ends itself by SIGKILL right before or right after its N-th message to PostgreSQL (F-20):
 * `mortal-migrator.ts DIRECTORY N before|after`. With N = 0 it lives, and says how many there were.
 */
import { PGlite } from '@electric-sql/pglite';
import { openDatabase } from '../../src/platform/db/index.ts';

const [dataDir = '', at = '0', when = 'before'] = process.argv.slice(2);

let count = 0;
const strike = (moment: string): void => {
  if (moment === when && count === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const send = PGlite.prototype.execProtocolStream;
PGlite.prototype.execProtocolStream = async function counted(...given) {
  count += 1;
  strike('before');
  const answer = await send.apply(this, given);
  strike('after');
  return answer;
};
const database = await openDatabase({ databaseUrl: undefined, dataDir, poolMax: 1 });
await database.close();
console.log(count);
