import { expect } from 'chai';
import { codeAt, keyUri, makeSecret, matchingStep, readCode, stepAt } from '../../src/authn/totp/arithmetic.ts';

/** RFC 6238 appendix B: keys of the three algorithms, as base32 of their ASCII. */
const base32 = (text: string): string => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
};
const seed = '1234567890';
const keys = { sha1: base32(seed.repeat(2)), sha256: base32(`${seed.repeat(3)}12`), sha512: base32(`${seed.repeat(6)}1234`) };
const vectors: [number, string, string, string][] = [
  [59, '94287082', '46119246', '90693936'],
  [1111111109, '07081804', '68084774', '25091201'],
  [1111111111, '14050471', '67062674', '99943326'],
  [1234567890, '89005924', '91819424', '93441116'],
  [2000000000, '69279037', '90698825', '38618901'],
  [20000000000, '65353130', '77737706', '47863826'],
];

describe('A6 RFC 6238 arithmetic', () => {
  for (const [seconds, sha1, sha256, sha512] of vectors) {
    it(`appendix B at ${seconds}`, () => {
      const step = stepAt(new Date(seconds * 1000));
      const codes = (['sha1', 'sha256', 'sha512'] as const).map((algorithm) => codeAt(keys[algorithm], step, algorithm, 8));
      expect(codes).to.deep.equal([sha1, sha256, sha512]);
    });
  }

  it('MF-01 accepts one step of drift either way, and only forward', () => {
    const now = new Date('2026-11-25T12:00:10Z');
    const current = stepAt(now);
    const at = (step: number, last?: number): number | undefined => matchingStep(keys.sha1, codeAt(keys.sha1, step), now, last);
    expect([-2, -1, 0, 1, 2].map((drift) => at(current + drift))).to.deep.equal([
      undefined,
      current - 1,
      current,
      current + 1,
      undefined,
    ]);
    expect(at(current, current)).to.equal(undefined);
    expect(at(current - 1, current)).to.equal(undefined);
    expect(at(current + 1, current)).to.equal(current + 1);
  });

  it('makes keys of 160 bits that do not repeat', () => {
    const made = new Set(Array.from({ length: 50 }, makeSecret));
    expect(made.size).to.equal(50);
    for (const key of made) expect(key).to.match(/^[A-Z2-7]{32}$/);
  });

  it('reads codes as people type them, and nothing else', () => {
    expect(readCode(' 123 456 ')).to.equal('123456');
    expect(readCode('123-456')).to.equal('123456');
    expect(readCode('１２３４５６')).to.equal('123456');
    for (const odd of ['', '12345', '1234567', 'abcdef', '12345a', '[]', 'null', '\0\0\0\0\0\0']) {
      expect(readCode(odd), odd).to.equal(undefined);
    }
  });

  it('names issuer and account in the key address', () => {
    const uri = new URL(keyUri({ secret: keys.sha1, issuer: 'id.acme.example', account: 'alice+a@example.com' }));
    expect(decodeURIComponent(uri.pathname)).to.equal('/id.acme.example:alice+a@example.com');
    expect(uri.searchParams.get('secret')).to.equal(keys.sha1);
    expect(uri.searchParams.get('issuer')).to.equal('id.acme.example');
  });
});
