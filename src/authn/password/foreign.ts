/**
 * Password hashes of other systems, as an import brings them (FEATURES A2, I6): read, bounded, compared. They are replaced by one of
 * ours at the first sign-in. Formats: PHC strings and the forms of passlib, Django, LDAP (RFC 2307) and Firebase.
 */
import * as crypto from 'node:crypto';

/** What a stored value that is not ours begins with. */
const mark = 'foreign:';

type Check = (password: string) => boolean;
interface Format {
  pattern: RegExp;
  /** @returns the comparison, or `undefined` where a parameter is beyond what one sign-in may cost */
  read(match: RegExpExecArray, bcrypt: (password: string, hash: string) => boolean): Check | undefined;
}

// PHC strings, passlib ("." for "+") and Django write base64 in three ways; all are read.
const bytes = (text = ''): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64');
const same = (made: Buffer, wanted: Buffer): boolean => made.length === wanted.length && crypto.timingSafeEqual(made, wanted);
const parameters = (list = ''): Map<string, string> =>
  new Map(list.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
const number = (list: Map<string, string>, name: string, most: number): number | undefined => {
  const value = Number(list.get(name));
  return Number.isInteger(value) && value >= 1 && value <= most ? value : undefined;
};

const pbkdf2 = (digest: string, iterations: number, salt: Buffer, wanted: Buffer): Check | undefined =>
  iterations > 2_000_000 || wanted.length < 16
    ? undefined
    : (password) => same(crypto.pbkdf2Sync(password, salt, iterations, wanted.length, digest), wanted);

const scrypt = (ln: number, r: number, p: number, salt: Buffer, wanted: Buffer): Check | undefined => {
  const options = { N: 2 ** ln, r, p, maxmem: 129 * 2 ** ln * r + 1_000_000 };
  if (options.maxmem > 300_000_000 || wanted.length < 16) return undefined;
  return (password) => same(crypto.scryptSync(password, salt, wanted.length, options), wanted);
};

const digests: Record<string, string> = {
  '': 'sha1',
  MD5: 'md5',
  SHA: 'sha1',
  SHA256: 'sha256',
  SHA384: 'sha384',
  SHA512: 'sha512',
};

const formats: readonly Format[] = [
  {
    pattern: /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/,
    read: ([hash, cost], bcrypt) =>
      Number(cost) < 4 || Number(cost) > 14 ? undefined : (password) => bcrypt(password, hash.replace(/^\$2[axy]/, '$2b')),
  },
  {
    pattern: /^\$(argon2(?:id|i|d))\$v=19\$([mtp=,0-9]+)\$([\w+/=.-]+)\$([\w+/=.-]+)$/,
    read: ([, algorithm = '', list, salt, hash]) => {
      const given = parameters(list);
      const memory = number(given, 'm', 262_144);
      const passes = number(given, 't', 10);
      const parallelism = number(given, 'p', 16);
      const nonce = bytes(salt);
      const wanted = bytes(hash);
      // Node 24.7 has it; where it is absent such hashes are refused at import.
      if (typeof crypto.argon2Sync !== 'function') return undefined;
      if (!memory || !passes || !parallelism || nonce.length < 8 || wanted.length < 16) return undefined;
      const settings = { nonce, parallelism, tagLength: wanted.length, memory, passes };
      return (message) => same(crypto.argon2Sync(algorithm as 'argon2id', { ...settings, message }), wanted);
    },
  },
  {
    // PHC `$pbkdf2-sha256$i=600000$…`, passlib `$pbkdf2-sha256$29000$…`
    pattern: /^\$pbkdf2-(sha(?:1|256|384|512))\$(?:i=)?(\d{1,8})(?:,l=\d+)?\$([\w+/=.-]+)\$([\w+/=.-]+)$/,
    read: ([, digest = '', iterations, salt, hash]) => pbkdf2(digest, Number(iterations), bytes(salt), bytes(hash)),
  },
  {
    // Django: the salt is text
    pattern: /^pbkdf2_(sha(?:1|256))\$(\d{1,8})\$([^$]{1,64})\$([\w+/=]+)$/,
    read: ([, digest = '', iterations, salt = '', hash]) => pbkdf2(digest, Number(iterations), Buffer.from(salt), bytes(hash)),
  },
  {
    pattern: /^\$scrypt\$(ln=\d+,r=\d+,p=\d+)\$([\w+/=.-]+)\$([\w+/=.-]+)$/,
    read: ([, list, salt, hash]) => {
      const given = parameters(list);
      const [ln, r, p] = [number(given, 'ln', 20), number(given, 'r', 32), number(given, 'p', 16)];
      return ln && r && p ? scrypt(ln, r, p, bytes(salt), bytes(hash)) : undefined;
    },
  },
  {
    // Firebase: its signer key, sealed with what scrypt makes of the password
    pattern: /^\$firebase-scrypt\$(ln=\d+,r=\d+,k=[\w+/=]+,s=[\w+/=]*)\$([\w+/=]*)\$([\w+/=]+)$/,
    read: ([, list, salt, hash]) => {
      const given = parameters(list);
      const [ln, r] = [number(given, 'ln', 16), number(given, 'r', 16)];
      const key = bytes(given.get('k'));
      const wanted = bytes(hash);
      if (!ln || !r || wanted.length < 32 || key.length !== wanted.length) return undefined;
      const salted = Buffer.concat([bytes(salt), bytes(given.get('s'))]);
      const options = { N: 2 ** ln, r, p: 1, maxmem: 129 * 2 ** ln * r + 1_000_000 };
      return (password) => {
        const cipher = crypto.createCipheriv('aes-256-ctr', crypto.scryptSync(password, salted, 32, options), Buffer.alloc(16));
        return same(cipher.update(key), wanted);
      };
    },
  },
  {
    // RFC 2307 and OpenLDAP: {SSHA}, {SSHA256}, {SMD5}, {SHA}…: digest, then salt
    pattern: /^\{(S?)(MD5|SHA(?:256|384|512)?)\}([\w+/=]+)$/,
    read: ([, salted, name = '', value]) => {
      const digest = digests[name] ?? 'sha1';
      const whole = bytes(value);
      const { length } = crypto.createHash(digest).digest();
      const salt = whole.subarray(length);
      if (whole.length < length || salt.length > 0 !== (salted === 'S')) return undefined;
      const wanted = whole.subarray(0, length);
      return (password) => same(crypto.createHash(digest).update(password).update(salt).digest(), wanted);
    },
  },
];

const readForeign = (hash: string, bcrypt: (password: string, hash: string) => boolean): Check | undefined => {
  if (hash.length > 1024) return undefined;
  for (const { pattern, read } of formats) {
    const match = pattern.exec(hash);
    if (match) return read(match, bcrypt);
  }
  return undefined;
};

export const isForeign = (stored: string): boolean => stored.startsWith(mark);

/** The stored form of a hash that another system made; `undefined` for a format we do not know or one that costs too much. */
export const foreignHash = (hash: string): string | undefined =>
  readForeign(hash.trim(), () => false) === undefined ? undefined : `${mark}${hash.trim()}`;

/** @param bcrypt comparison of a raw password with a bcrypt hash */
export const verifyForeign = (password: string, stored: string, bcrypt: (password: string, hash: string) => boolean): boolean =>
  readForeign(stored.slice(mark.length), bcrypt)?.(password) ?? false;
