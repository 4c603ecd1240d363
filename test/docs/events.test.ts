import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { createViews, locales } from '../../src/platform/views/index.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('C8 events in words', () => {
  // Parts are written in views/locales/admin-events.<locale>.json; what `{…}` may name: src/consoles/admin/audit/words.ts.
  it('every type of event has a sentence in every language', () => {
    const types = [...read('src/platform/events/catalogue.ts').matchAll(/^ {2}'([\w.]+)':/gm)].map(([, type]) => type);
    expect(types.length).to.be.greaterThan(100);
    for (const locale of locales) {
      const { has } = createViews().translator(locale);
      expect(
        types.filter((type) => !has(`admin.event.${type}`)),
        locale,
      ).to.deep.equal([]);
    }
  });
});
