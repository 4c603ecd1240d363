import type { Page } from 'playwright-core';
import type { Command, Script } from '../../conformance/suite/browser-scripts.ts';

/** What the suite's browser met: where it ended, and the pages it took pictures of. */
export interface Played {
  url: string;
  pictures: string[];
}

const selectorOf = ([, kind, target]: Command): string => {
  const value = String(target);
  const selectors: Record<string, string> = { id: `#${value}`, name: `[name="${value}"]`, class: `.${value}`, css: value };
  return kind === 'xpath' ? `xpath=${value}` : (selectors[String(kind)] ?? '');
};

/** Spring's `PatternMatchUtils.simpleMatch`: only `*` stands for something. */
const matches = (pattern: string, url: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's').test(url);

const textOf = async (page: Page, selector: string, pattern: RegExp, seconds: number): Promise<void> => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const text = await page
      .locator(selector)
      .first()
      .textContent({ timeout: 1000 })
      .catch(() => null);
    if (pattern.test(text ?? '')) return;
    if (Date.now() > end) throw new Error(`${selector} does not say ${pattern} at ${page.url()} but ${text}`);
    await page.waitForTimeout(50);
  }
};

/** `BrowserControl` of the suite in a few lines; what it does not forgive, this does not either. */
export const play = async (page: Page, scripts: readonly Script[], url: string, hasPlaceholder = false): Promise<Played> => {
  const pictures: string[] = [];
  const wait = async (command: Command): Promise<void> => {
    const [, kind, target, seconds = 10, pattern, action] = command;
    if (kind === 'match') return await page.waitForURL(new RegExp(String(target)), { timeout: Number(seconds) * 1000 });
    if (pattern === undefined) return void (await page.waitForSelector(selectorOf(command), { timeout: Number(seconds) * 1000 }));
    await textOf(page, selectorOf(command), new RegExp(String(pattern)), Number(seconds));
    if (action === 'update-image-placeholder' && !hasPlaceholder) throw new Error(`nobody asked for a picture of ${page.url()}`);
    if (hasPlaceholder) pictures.push(await page.content());
  };
  const act = async (command: Command): Promise<void> => {
    const [verb, , , value] = command;
    if (verb === 'wait') return await wait(command);
    const found = page.locator(selectorOf(command)).first();
    if ((await found.count()) === 0) {
      if (command.at(-1) === 'optional') return;
      throw new Error(`there is no ${selectorOf(command)} at ${page.url()}`);
    }
    // An element that is there but cannot be used ends the module, optional or not.
    if (verb === 'text') await found.fill(String(value), { timeout: 2000 });
    else await Promise.all([page.waitForLoadState('load'), found.click({ timeout: 2000 })]);
    await page.waitForLoadState('load');
  };
  const script = scripts.find(({ match }) => matches(match, url));
  if (!script) throw new Error(`nobody is told what to do at ${url}`);
  await page.goto(url);
  for (const { task, match, optional = false, commands = [] } of script.tasks) {
    if (!matches(match, page.url())) {
      if (optional) continue;
      throw new Error(`"${task}" expects ${match}, and this is ${page.url()}`);
    }
    for (const command of commands) await act(command);
  }
  return { url: page.url(), pictures };
};
