import { AxeBuilder } from '@axe-core/playwright';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { locales } from '../../src/platform/views/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { gallery } from './gallery.ts';
import { createStage } from './stage.ts';

describe('A12 WCAG 2.2 AA, every page', function accessibility() {
  this.timeout(600_000);
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no violation that axe finds (${colorScheme})`, async () => {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 } });
      const show = await createStage(context);
      for (const exhibit of gallery) {
        const page = await show(exhibit, 'en');
        // The dark theme is the same page in other colours.
        const all = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const axe = new AxeBuilder({ page });
        const { violations } = await (colorScheme === 'dark' ? axe.withRules(['color-contrast']) : axe.withTags(all)).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
        expect(found, exhibit.name).to.deep.equal([]);
      }
      await context.close();
    });
  }

  it('reads without sideways scrolling at 320 px, in every language', async () => {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
    const show = await createStage(context);
    for (const locale of locales) {
      for (const exhibit of gallery) {
        const page = await show(exhibit, locale);
        const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(excess, `${exhibit.name} (${locale})`).to.be.at.most(0);
      }
    }
    await context.close();
  });

  it('A12 shows nothing that is marked hidden, with and without script', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ javaScriptEnabled });
      const show = await createStage(context);
      for (const exhibit of gallery) {
        const page = await show(exhibit, 'en');
        const hidden = page.locator('body [hidden]');
        for (let index = 0; index < (await hidden.count()); index += 1) {
          const one = hidden.nth(index);
          expect(await one.isVisible(), `${exhibit.name}, ${index}`).to.equal(false);
        }
      }
      await context.close();
    }
  });

  it('puts the focus where the work is: the first empty field, or what is wrong', async () => {
    const context = await browser.newContext();
    const show = await createStage(context);
    const focused = async (name: string): Promise<unknown> => {
      const exhibit = gallery.find((candidate) => candidate.name === name);
      if (exhibit === undefined) throw new Error(`no exhibit ${name}`);
      return (await show(exhibit, 'en')).evaluate('document.activeElement.id');
    };
    expect(await focused('login')).to.equal('login');
    expect(await focused('login-known')).to.equal('password');
    expect(await focused('login-refused')).to.equal('errors');
    expect(await focused('device-code')).to.equal('user_code');
    await context.close();
  });

  it('leads from the summary to the field', async () => {
    const context = await browser.newContext();
    const show = await createStage(context);
    const exhibit = gallery.find(({ name }) => name === 'login-empty');
    if (exhibit === undefined) throw new Error('no exhibit');
    const page = await show(exhibit, 'en');
    await page.click('#errors a >> nth=1');
    expect(await page.evaluate('document.activeElement.id')).to.equal('password');
    await context.close();
  });

  it('keeps the boundaries of controls in forced colours and moves nothing', async () => {
    const context = await browser.newContext({ forcedColors: 'active', reducedMotion: 'reduce' });
    const show = await createStage(context);
    const exhibit = gallery.find(({ name }) => name === 'login');
    if (exhibit === undefined) throw new Error('no exhibit');
    const page = await show(exhibit, 'en');
    const style = (await page.evaluate(
      `(() => { const s = getComputedStyle(document.querySelector('.button.primary')); return [s.borderTopWidth, s.transitionDuration]; })()`,
    )) as string[];
    expect(style).to.deep.equal(['1px', '0s']);
    await context.close();
  });
});
