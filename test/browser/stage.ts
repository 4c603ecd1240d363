import type { BrowserContext, Page } from 'playwright-core';
import { createViews, type Locale } from '../../src/platform/views/index.ts';
import type { Exhibit } from './gallery.ts';

const origin = 'http://stage.test';
const views = createViews();

export const htmlOf = ({ template, values }: Exhibit, locale: Locale): string => views.render(template, locale, values);

/** Shows exhibits in a browser without a server: pages and static files come out of the views, nothing else is reachable. */
export const createStage = async (context: BrowserContext): Promise<(exhibit: Exhibit, locale: Locale) => Promise<Page>> => {
  let html = '';
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url());
    const asset = url.origin === origin ? views.assets.get(url.pathname.replace('/assets/', '')) : undefined;
    if (asset !== undefined) return route.fulfill({ body: asset.body, contentType: asset.contentType });
    if (url.pathname === '/') return route.fulfill({ body: html, contentType: 'text/html; charset=utf-8' });
    // A page that goes on by itself stays to be looked at.
    return route.request().isNavigationRequest() ? route.fulfill({ status: 204 }) : route.abort();
  });
  const page = await context.newPage();
  return async (exhibit, locale) => {
    html = htmlOf(exhibit, locale);
    await page.goto(`${origin}/`, { waitUntil: 'load' });
    return page;
  };
};
