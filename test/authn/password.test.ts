import { expect } from 'chai';
import { createHasher } from '../../src/authn/password/hashing.ts';
import { createPool, HashingBusy } from '../../src/authn/password/pool.ts';
import { networkOf } from '../../src/platform/geo/index.ts';

describe('A2 password hashing', () => {
  const pool = createPool({ threads: 1, maxWaiting: 2 });
  const hasher = createHasher({ pool, cost: 4 });
  after(() => pool.close());

  it('A2 hashes at cost 12 unless told otherwise', async () => {
    expect(await createHasher({ pool }).hash('a')).to.match(/^\$2b\$12\$/);
  });

  it('PW-06 lets every byte of a long password count, in any script', async () => {
    const long = `${'x'.repeat(90)}y${'x'.repeat(9)}`;
    const stored = await hasher.hash(long);
    expect(await hasher.verify(long, stored)).to.equal(true);
    expect(await hasher.verify(long.replace('y', 'z'), stored)).to.equal(false);
    expect(await hasher.verify(long.slice(0, 72), stored)).to.equal(false);
    const emoji = await hasher.hash('😀'.repeat(30));
    expect(await hasher.verify(`${'😀'.repeat(29)}😁`, emoji)).to.equal(false);
    expect(await hasher.verify('e\u0301clair-123', await hasher.hash('\u00e9clair-123'))).to.equal(true);
    expect(await hasher.verify('abc\0defgh', await hasher.hash('abc\0xxxxx'))).to.equal(false);
  });

  it('PW-05 compares with a hash of its own for an unknown account', async () => {
    expect(await hasher.verify('anything', undefined)).to.equal(false);
  });

  it('asks for another hash when the parameters have changed', async () => {
    const stored = await hasher.hash('correct horse');
    expect(hasher.isStale(stored)).to.equal(false);
    expect(createHasher({ pool, cost: 5 }).isStale(stored)).to.equal(true);
  });

  it('PW-09 refuses what its queue cannot hold, and works on afterwards', async () => {
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => hasher.hash('correct horse')));
    const refused = all.filter((one) => one.status === 'rejected');
    expect(refused).to.have.length(3);
    for (const { reason } of refused) expect(reason).to.be.instanceOf(HashingBusy);
    expect(await hasher.hash('correct horse')).to.match(/^\$2b\$04\$/);
  });
});

describe('A11 networks', () => {
  it('takes IPv6 by its /64 and IPv4 whole, mapped or not', () => {
    expect(networkOf('2001:db8:1:2:3:4:5:6')).to.equal(networkOf('2001:0db8:1:2::9'));
    expect(networkOf('2001:db8:1:2::1')).to.not.equal(networkOf('2001:db8:1:3::1'));
    expect(networkOf('::ffff:192.0.2.1')).to.equal(networkOf('192.0.2.1'));
    expect(networkOf('::1')).to.equal('0:0:0:0');
  });
});
