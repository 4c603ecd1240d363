/** Child process of `embedded.ts`: creates an empty cluster in the directory given and ends. */
import { PGlite } from '@electric-sql/pglite';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: initdb.ts DIRECTORY');
const pglite = await PGlite.create(directory);
await pglite.close();
