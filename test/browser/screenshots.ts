/** `node test/browser/screenshots.ts DIR [NAME…]`: every page in both themes, both languages, 1280 and 390 px wide. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { locales } from '../../src/platform/views/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { gallery } from './gallery.ts';
import { createStage } from './stage.ts';

const [directory, ...names] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: node test/browser/screenshots.ts DIR [NAME…]');
  process.exit(2);
}
mkdirSync(directory, { recursive: true });
const shown = gallery.filter(({ name }) => names.length === 0 || names.includes(name));
const browser = await launchChromium();
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, hasTouch: width < 500 });
    const show = await createStage(context);
    for (const locale of locales) {
      for (const exhibit of shown) {
        const page = await show(exhibit, locale);
        await page.screenshot({ path: join(directory, `${exhibit.name}.${locale}.${colorScheme}.${width}.png`), fullPage: true });
      }
    }
    await context.close();
  }
}
await browser.close();
