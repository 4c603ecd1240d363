import { AxeBuilder } from '@axe-core/playwright';
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Locale, locales } from '../../src/platform/views/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { gallery } from './gallery.ts';
import { createStage, htmlOf } from './stage.ts';

const [wide, narrow] = [
  { width: 1280, height: 800 },
  { width: 320, height: 640 },
];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds on a page without frames, which it need not open a second page for. */
const violations = async (page: Page, choose: (axe: AxeBuilder) => AxeBuilder): Promise<string[]> =>
  (await choose(new AxeBuilder({ page }).setLegacyMode()).analyze()).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
  );

const shownThoughHidden = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('body [hidden]')]
    .filter((element) => element.checkVisibility({ visibilityProperty: true })).map(({ outerHTML }) => outerHTML)`);

const excess = async (page: Page): Promise<string[]> => {
  await page.setViewportSize(narrow);
  const pixels: number = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  return pixels > 0 ? [`${pixels} px too wide`] : [];
};

describe('A12 WCAG 2.2 AA, every page', function accessibility() {
  this.timeout(600_000);
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  /** Opening a page is what takes time: each is opened once and all that is asked of it asked there. */
  const tour = async (
    options: BrowserContextOptions,
    locale: Locale,
    look: (page: Page) => Promise<Record<string, string[]>>,
    exhibits = gallery,
  ): Promise<Record<string, string[]>> => {
    const context = await browser.newContext({ viewport: wide, ...options });
    const show = await createStage(context);
    const found: Record<string, string[]> = {};
    for (const exhibit of exhibits) {
      for (const [check, findings] of Object.entries(await look(await show(exhibit, locale)))) {
        const named = findings.map((finding) => `${exhibit.name}: ${finding}`);
        found[check] = [...(found[check] ?? []), ...named];
      }
    }
    await context.close();
    return found;
  };

  it('has no violation that axe finds in either theme, reads without sideways scrolling at 320 px, shows nothing hidden', async () => {
    // The dark theme is the same page in other colours; nothing may still be on its way from one to the other.
    const found = await tour({ reducedMotion: 'reduce' }, 'en', async (page) => {
      await page.setViewportSize(wide);
      await page.emulateMedia({ colorScheme: 'light' });
      const light = await violations(page, (axe) => axe.withTags(tags));
      const hidden = await shownThoughHidden(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await violations(page, (axe) => axe.withRules(['color-contrast']));
      return { light, dark, hidden, narrow: await excess(page) };
    });
    expect(found).to.deep.equal({ light: [], dark: [], hidden: [], narrow: [] });
  });

  for (const locale of locales.slice(1)) {
    it(`reads without sideways scrolling at 320 px (${locale})`, async () => {
      const found = await tour({ viewport: narrow }, locale, async (page) => ({ narrow: await excess(page) }));
      expect(found.narrow).to.deep.equal([]);
    });
  }

  it('A12 shows nothing that is marked hidden without script either', async () => {
    const marked = gallery.filter((exhibit) => /\shidden[\s>=]/.test(htmlOf(exhibit, 'en')));
    const look = async (page: Page) => ({ hidden: await shownThoughHidden(page) });
    const found = await tour({ javaScriptEnabled: false }, 'en', look, marked);
    expect(found.hidden).to.deep.equal([]);
  });

  it('puts the focus where the work is: the first empty field, or what is wrong', async () => {
    const context = await browser.newContext();
    const show = await createStage(context);
    const focused = async (name: string): Promise<unknown> => {
      const exhibit = gallery.find((candidate) => candidate.name === name);
      if (exhibit === undefined) throw new Error(`no exhibit ${name}`);
      const page = await show(exhibit, 'en');
      // Chromium gives the focus once it has drawn the page.
      await page.waitForFunction('document.activeElement.id');
      return page.evaluate('document.activeElement.id');
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

  it('O8 chooses all, tells how many, moves from row to row and copies ids, where script runs', async () => {
    const context = await browser.newContext();
    // Only a page of a secure origin has the real one.
    await context.addInitScript(
      `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })`,
    );
    const show = await createStage(context);
    const open = (name: string) => show(gallery.find((one) => one.name === name) as (typeof gallery)[number], 'en');
    const list = await open('admin-users');
    const [all, first] = [list.locator('[data-all]'), list.locator('tbody input').first()];
    await first.check();
    expect(await list.textContent('[data-count]')).to.equal('1 chosen');
    expect(await list.evaluate('document.querySelector("[data-all]").indeterminate')).to.equal(true);
    await all.check();
    expect(await list.textContent('[data-count]')).to.equal('2 chosen');
    await list.locator('tbody a').first().focus();
    await list.keyboard.press('ArrowDown');
    expect(await list.evaluate('document.activeElement.closest("tr").rowIndex')).to.equal(2);
    expect(await list.evaluate('document.activeElement.tagName')).to.equal('A');
    const detail = await open('admin-organization');
    await detail.click('[data-copy]');
    expect(await detail.evaluate('window.copied')).to.match(/^[0-9a-f-]{36}$/);
    expect(await detail.textContent('[data-copy]')).to.equal('Copied');
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
