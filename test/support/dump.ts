import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';

/** Every row of every table, as text: what somebody who reads the database reads. */
export const dumpRows = async (databaseUrl: string): Promise<string> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
      texts.push(`# ${name}`, ...rows.map(({ line }) => line));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
};

/** What `pg_dump` writes; undefined where there is no `pg_dump` that fits the server. */
export const dumpByTool = async (databaseUrl: string): Promise<string | undefined> => {
  try {
    const { stdout } = await promisify(execFile)('pg_dump', [databaseUrl], { maxBuffer: 2 ** 28 });
    return stdout;
  } catch {
    return undefined;
  }
};

const byteForms = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  // Three alignments: text inside of a longer text that was encoded as a whole.
  const aligned = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [...aligned, ...aligned.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')), bytes.toString('hex')];
};

/** A secret as it may be written: itself, escaped, in hexadecimal, in base64 of either alphabet. */
export const formsOf = (secret: string): string[] => [
  ...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...byteForms(secret)]),
];

/** @returns names of the secrets that the text holds in any form */
export const findSecrets = (text: string, secrets: ReadonlyMap<string, string>): string[] => {
  const lower = text.toLowerCase();
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).some((form) => form.length >= 8 && (text.includes(form) || lower.includes(form.toLowerCase()))) ? [name] : [],
  );
};
