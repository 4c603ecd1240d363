import { existsSync } from 'node:fs';
import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** `CHROMIUM_PATH`, a browser of the system, or the one that came with `npm ci`. */
export const launchChromium = async (): Promise<Browser> => {
  const found = process.env.CHROMIUM_PATH ?? known.find((path) => existsSync(path));
  const executablePath = found ?? (await sparticuz.executablePath());
  const args = found === undefined ? sparticuz.args.filter((arg) => !/single-process|disable-web-security/.test(arg)) : [];
  return chromium.launch({ executablePath, args: [...args, '--no-sandbox', '--disable-dev-shm-usage'] });
};
