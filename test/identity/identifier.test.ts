import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalIdentifier, isEmailAddress } from '../../src/identity/index.ts';

describe('PW-10 canonical identifiers', () => {
  it('brings every way of writing an address to one', () => {
    const forms = ['a@ex.test', 'A@EX.TEST', ' a@ex.test ', 'ａ@ex.test', 'a@ex.test.', 'a@ＥＸ.test'];
    expect(new Set(forms.map(canonicalIdentifier))).to.deep.equal(new Set(['a@ex.test']));
    expect(canonicalIdentifier('u@BÜCHER.example')).to.equal(canonicalIdentifier('u@xn--bcher-kva.example'));
  });

  it('changes nothing the second time, and nothing by case', () => {
    const address = fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.domain())
      .map(([local, domain]) => `${local}@${domain}`);
    fc.assert(
      fc.property(address, (value) => {
        const once = canonicalIdentifier(value);
        expect(canonicalIdentifier(once)).to.equal(once);
      }),
    );
    fc.assert(
      fc.property(fc.emailAddress(), (value) => {
        expect(canonicalIdentifier(value.toUpperCase())).to.equal(canonicalIdentifier(value));
      }),
    );
  });

  it('refuses what only looks like an address', () => {
    const wrong = [
      '',
      'a',
      '@ex.test',
      'a@',
      'a@b@c',
      'a b@ex.test',
      'a\u200b@ex.test',
      'p\u0430ypal@ex.test',
      'a@pa\u0443pal.test',
    ];
    const injected = [
      'victim@ex.test,attacker@ex.test',
      'a@ex.test\r\nBcc: b@ex.test',
      'a@ex.test(c)evil.example',
      '"a@evil x"@ex.test',
    ];
    for (const value of [...wrong, ...injected]) expect(isEmailAddress(value), JSON.stringify(value)).to.equal(false);
  });

  it('takes addresses of people everywhere', () => {
    const right = ['admin@localhost', 'first.last+tag@sub.ex.test', 'иван@почта.example', 'nguyễn@ex.test', "o'hara@ex.test"];
    for (const value of right) expect(isEmailAddress(value), value).to.equal(true);
  });
});
