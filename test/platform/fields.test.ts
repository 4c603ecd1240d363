import { Type } from '@sinclair/typebox';
import { expect } from 'chai';
import type { Refusal } from '../../src/platform/errors/index.ts';
import { checkOf, fieldWords } from '../../src/platform/http/index.ts';
import { createViews, locales } from '../../src/platform/views/index.ts';

const Inner = Type.Object({ kind: Type.Literal('inner'), size: Type.Integer({ minimum: 1 }) });
const check = checkOf(
  Type.Object(
    {
      token: Type.Optional(Type.Union([Type.String({ minLength: 2, maxLength: 4 }), Type.Null()])),
      state: Type.Optional(Type.Union([Type.Literal('on'), Type.Literal('off')])),
      many: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')]))])),
      inner: Type.Optional(Type.Union([Inner, Type.Null()])),
      names: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z]+$' }), { minItems: 1 })),
      at: Type.Optional(Type.String({ format: 'date-time' })),
    },
    { additionalProperties: false },
  ),
);

const mistakesOf = (value: unknown): string[] => {
  try {
    check(value);
    return [];
  } catch (error) {
    return (error as Refusal).errors.map(({ path, message }) => `${path} ${message}`);
  }
};

describe('IN-03 what is wrong with a field', () => {
  it('is said once where a value may be of several shapes', () => {
    expect(mistakesOf({ token: 5 })).to.deep.equal(['/token must be string or null']);
    expect(mistakesOf({ token: 'a' })).to.deep.equal(['/token must NOT have fewer than 2 characters']);
    expect(mistakesOf({ token: 'abcde', state: 'maybe' })).to.have.members([
      '/token must NOT have more than 4 characters',
      '/state must be one of on, off',
    ]);
    expect(mistakesOf({ many: ['a', 'c'] })).to.deep.equal(['/many/1 must be one of a, b']);
    expect(mistakesOf({ many: 1 })).to.deep.equal(['/many must be string or array']);
    expect(mistakesOf({ inner: { kind: 'inner', size: 0 } })).to.deep.equal(['/inner/size must be >= 1']);
    expect(mistakesOf({ token: null, state: 'on', many: ['a'], inner: null })).to.deep.equal([]);
  });

  it('has words in every language', () => {
    const wrong = [
      { token: 'a' },
      { token: 'abcde' },
      { token: 1 },
      { state: 0 },
      { names: [] },
      { names: ['A'] },
      { at: 'now' },
    ];
    const mistakes = [...wrong, { inner: {} }, { inner: { kind: 'inner', size: 0 } }, { Names: 1 }, { other: 1 }].flatMap(
      mistakesOf,
    );
    expect(mistakes.length).to.be.greaterThan(10);
    for (const mistake of mistakes) {
      const { key, values } = fieldWords(mistake.replace(/^\S+ /, '')) ?? { key: mistake, values: {} };
      for (const locale of locales) expect(createViews().translator(locale).text(key, values), mistake).to.match(/^\p{Lu}/u);
    }
  });
});
