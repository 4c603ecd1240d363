import type { House } from '../platform/ports.ts';
import type { StepContext } from './steps.ts';

/** As long as a sign-in lives (CONTRACT.md). */
const signInSeconds = 3600;

/**
 * This page wears the house, and so will the pages that a sign-in leads out to (forgotten password, mailed links). Of who is signed in
 * nothing stays in the browser.
 */
export const dressStep = (
  { page, base, client }: Pick<StepContext, 'page' | 'base' | 'client'>,
  { asked, personal, now }: { asked: House | undefined; personal: House | undefined; now: Date },
): void => {
  const wornAs = (house: House | undefined): House | undefined =>
    client.accent === undefined ? house : { ...house, accent: client.accent };
  page.wear(wornAs(asked ?? personal));
  const { back } = page.worn;
  const until = new Date(now.getTime() + signInSeconds * 1000).toISOString();
  const place = back?.href === base ? back : { href: base, application: client.name.slice(0, 100), until };
  page.keepWorn({ house: wornAs(asked), back: place });
};
