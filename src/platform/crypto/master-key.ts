import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomSecret } from './digest.ts';
import { EnvelopeError } from './envelope.ts';

/**
 * The master keys to use: those configured, else the one kept in the data directory, made at the first start.
 * @param isFresh whether the database was empty; a used database without its key must not get a new one (security-cases F-17)
 * @throws EnvelopeError when the key file is missing or damaged
 */
export const loadMasterKeys = (configured: readonly Buffer[], dataDir: string, isFresh: boolean): readonly Buffer[] => {
  if (configured.length > 0) return configured;
  const file = join(dataDir, 'master.key');
  if (!existsSync(file)) {
    if (!isFresh)
      throw new EnvelopeError(
        `${file} is missing: restore it, or give the key as MASTER_KEY; a new one would not open what is stored`,
      );
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomSecret(32)}\n`, { mode: 0o600, flag: 'wx' });
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
  if (key.length !== 32) throw new EnvelopeError(`${file} does not hold 32 bytes in base64url`);
  return [key];
};
