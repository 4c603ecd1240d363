import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalIdentifier, isEmailAddress, phoneNumberOf, userNameOf } from '../../src/identity/index.ts';

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

  it('brings every way of writing a number to one, which no user name can be', () => {
    const forms = ['+84912345678', '+84 912 345 678', '0084-912.345.678', '＋84 (912) 345 678'];
    expect(new Set(forms.map(canonicalIdentifier))).to.deep.equal(new Set(['+84912345678']));
    for (const wrong of ['0912345678', '+0912345678', '+84', 'call me', '+84 912 345 678 ext 9'])
      expect(phoneNumberOf(wrong), wrong).to.equal(undefined);
    for (const form of forms) expect(userNameOf(form), form).to.equal(undefined);
  });

  it('takes user names in one form, which looks like no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (typed) => {
        const name = userNameOf(typed);
        if (name === undefined) return;
        expect(canonicalIdentifier(name.value)).to.equal(name.value);
        expect(userNameOf(name.value)).to.deep.equal(name);
        expect(name.skeleton).to.match(/^[a-z0-9]+$/);
        expect(name.value).not.to.match(/[@+\s]/);
      }),
    );
    const same = [
      ['mary', 'MARY', 'ｍａｒｙ', 'rnary', 'm.a.r.y', 'máry'],
      ['bob0', 'b0bo', 'bobo', 'bőb-0'],
      ['đạt.vvu', 'dat_wu'],
    ];
    for (const names of same) expect(new Set(names.map((one) => userNameOf(one)?.skeleton)).size, names.join()).to.equal(1);
  });
});
