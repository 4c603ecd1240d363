import { argon2Sync, createCipheriv, createHash, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import bcryptjs from 'bcryptjs';
import { expect } from 'chai';
import { createHasher } from '../../src/authn/password/hashing.ts';
import { createPool } from '../../src/authn/password/pool.ts';

const password = 'Quinlan & the 7 dwarfs: đủ dài';
const salt = randomBytes(16);
const bare = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
const passlib = (bytes: Buffer): string => bare(bytes).replaceAll('+', '.');
const signer = randomBytes(64);
const separator = Buffer.from('Bw==', 'base64');

const argon = (algorithm: 'argon2id' | 'argon2i', memory: number): string => {
  const made = argon2Sync(algorithm, { message: password, nonce: salt, parallelism: 1, tagLength: 32, memory, passes: 2 });
  return `$${algorithm}$v=19$m=${memory},t=2,p=1$${bare(salt)}$${bare(made)}`;
};
const firebase = (): string => {
  const options = { N: 2 ** 14, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
  const derived = scryptSync(password, Buffer.concat([salt, separator]), 32, options);
  const hash = createCipheriv('aes-256-ctr', derived, Buffer.alloc(16)).update(signer);
  const list = `ln=14,r=8,k=${signer.toString('base64')},s=${separator.toString('base64')}`;
  return `$firebase-scrypt$${list}$${salt.toString('base64')}$${hash.toString('base64')}`;
};
const ldap = (scheme: string, digest: string, salted: boolean): string => {
  const hash = createHash(digest)
    .update(password)
    .update(salted ? salt : '')
    .digest();
  return `{${scheme}}${Buffer.concat([hash, ...(salted ? [salt] : [])]).toString('base64')}`;
};

const hashes: Record<string, string> = {
  'bcrypt 2b': bcryptjs.hashSync('short enough', 5),
  'bcrypt 2y of PHP': bcryptjs.hashSync('short enough', 5).replace('$2b$', '$2y$'),
  argon2id: argon('argon2id', 4096),
  argon2i: argon('argon2i', 1024),
  'PBKDF2, PHC': `$pbkdf2-sha256$i=1000,l=32$${bare(salt)}$${bare(pbkdf2Sync(password, salt, 1000, 32, 'sha256'))}`,
  'PBKDF2, passlib': `$pbkdf2-sha512$2500$${passlib(salt)}$${passlib(pbkdf2Sync(password, salt, 2500, 64, 'sha512'))}`,
  'PBKDF2, Django': `pbkdf2_sha256$1200$q1w2e3$${pbkdf2Sync(password, 'q1w2e3', 1200, 32, 'sha256').toString('base64')}`,
  scrypt: `$scrypt$ln=10,r=8,p=1$${bare(salt)}$${bare(scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 }))}`,
  'scrypt of Firebase': firebase(),
  'LDAP SSHA': ldap('SSHA', 'sha1', true),
  'LDAP SSHA512': ldap('SSHA512', 'sha512', true),
  'LDAP SMD5': ldap('SMD5', 'md5', true),
  'LDAP SHA': ldap('SHA', 'sha1', false),
};

describe('A2 password hashes of other systems', () => {
  const pool = createPool({ threads: 1 });
  const hasher = createHasher({ pool, cost: 5 });
  after(() => pool.close());

  for (const [name, hash] of Object.entries(hashes)) {
    it(`accepts ${name}, the right password only, and asks for a hash of ours`, async () => {
      const right = name.startsWith('bcrypt') ? 'short enough' : password;
      const stored = hasher.foreign(hash) ?? '';
      expect(stored).to.match(/^foreign:/);
      expect(await hasher.verify(right, stored)).to.equal(true);
      expect(await hasher.verify(`${right}x`, stored)).to.equal(false);
      expect(await hasher.verify('', stored)).to.equal(false);
      expect(hasher.isStale(stored)).to.equal(true);
    });
  }

  it('takes a bcrypt hash of another system for what it is, not for one of ours', async () => {
    const hash = bcryptjs.hashSync('short enough', 5);
    expect(await hasher.verify('short enough', hash)).to.equal(false);
    expect(await hasher.verify('short enough', hasher.foreign(hash))).to.equal(true);
  });

  it('refuses at import what it does not know, what is damaged, and what would cost too much', () => {
    const refused = [
      '',
      'password',
      'foreign:$2b$05$',
      '$2b$20$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu',
      '$1$salt$hash',
      argon('argon2id', 1024).replace('m=1024', 'm=4000000'),
      argon('argon2id', 1024).replace('t=2', 't=900'),
      `$pbkdf2-sha256$i=99999999$${bare(salt)}$${bare(salt)}`,
      `$scrypt$ln=20,r=32,p=1$${bare(salt)}$${bare(salt)}`,
      '{SSHA}c2hvcnQ=',
      '{CLEARTEXT}password',
      `{SSHA}${'A'.repeat(2000)}`,
    ];
    for (const hash of refused) expect(hasher.foreign(hash), hash).to.equal(undefined);
  });
});

describe('PW-07 what a password may be', () => {
  const pool = createPool({ threads: 1 });
  const { weakness } = createHasher({ pool, cost: 4 });
  const context = ['alice.nguyen@example.com', 'alice.nguyen', 'Alice', 'Nguyen', 'example', 'Castellan'];
  after(() => pool.close());

  const cases: [string, string | undefined][] = [
    ['password1', 'breached'],
    ['PASSWORD1', 'breached'],
    ['Castellan2026!', 'personal'],
    ['alice.nguyen@example.com', 'personal'],
    ['AliceNguyen', 'personal'],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', 'guessable'],
    ['abcabcabcabcabcabcabcabc', 'guessable'],
    ['qwertyuiop12', 'breached'],
    ['p@ssw0rd'.repeat(16), 'guessable'],
    ['a passphrase in lower case, pasted from a manager, 64 characters', undefined],
    ['đừng bao giờ quên chìa khóa', undefined],
    ['😀🐘🎈🥁🌂🪐🧊🍋', undefined],
    ['correct horse battery staple', undefined],
  ];
  for (const [candidate, expected] of cases) {
    it(`${candidate.slice(0, 30)}: ${expected ?? 'accepted'}`, async () => {
      expect(await weakness(candidate, context)).to.equal(expected);
    });
  }
});
