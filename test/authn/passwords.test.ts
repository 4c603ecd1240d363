import { expect } from 'chai';
import { createPasswordChoice } from '../../src/authn/password/choice.ts';
import { createHasher } from '../../src/authn/password/hashing.ts';
import { createPool } from '../../src/authn/password/pool.ts';
import { createAccounts } from '../../src/identity/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';

describe('A2 password history', () => {
  const pool = createPool({ threads: 1 });
  const hasher = createHasher({ pool, cost: 4 });
  const clock = createTestClock();
  let database: Database;
  let accounts: ReturnType<typeof createAccounts>;
  before(async () => {
    database = await openTestDatabase();
    accounts = createAccounts({ database, clock, audit: () => ({ record: async () => undefined }) });
  });
  after(async () => {
    await pool.close();
    await database.close();
  });

  it('refuses the present password and the four before it, and lets older ones come back', async () => {
    const words = ['amber', 'bronze', 'copper', 'denim', 'emerald', 'fuchsia'].map((color) => `a ${color} umbrella at noon`);
    const [first = '', ...more] = words;
    const passwordHash = await hasher.hash(first);
    const wish = { email: 'a@example.test', emailVerified: true, passwordHash, claims: {}, source: 'registration' } as const;
    const accountId = (await accounts.create(wish)) ?? '';
    const choice = createPasswordChoice({ hasher, accounts, siteWords: [] });
    const problems = (password: string) => choice.problems(password, { accountId, claims: {} });
    for (const word of more) {
      expect(await problems(word), word).to.deep.equal([]);
      clock.advance(60);
      await accounts.changePassword(accountId, await hasher.hash(word));
    }
    const again = await Promise.all(words.map(problems));
    expect(again).to.deep.equal([[], ...more.map(() => ['password_used'])]);
    expect(await database.knex('password_history').where({ user_id: accountId })).to.have.length(4);
  });

  it('hashes anew what was typed only while it is still the password', async () => {
    const wish = { email: 'b@example.test', emailVerified: true, claims: {}, source: 'registration' } as const;
    const id = (await accounts.create({ ...wish, passwordHash: 'seen at the sign-in' })) ?? '';
    await accounts.changePassword(id, 'changed meanwhile');
    await accounts.renewPasswordHash(id, 'seen at the sign-in', 'the old password, hashed anew');
    expect(await accounts.passwordHash(id)).to.equal('changed meanwhile');
    await accounts.renewPasswordHash(id, 'changed meanwhile', 'hashed anew');
    expect(await accounts.passwordHash(id)).to.equal('hashed anew');
  });
});
