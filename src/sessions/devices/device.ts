import { UAParser } from 'ua-parser-js';

/** What a person recognizes a device by. */
export interface DeviceDescription {
  device: string | undefined;
  browser: string | undefined;
  os: string | undefined;
}

const kinds: Record<string, string> = { mobile: 'Phone', tablet: 'Tablet', smarttv: 'TV', wearable: 'Watch', console: 'Console' };

const joined = (...parts: (string | undefined)[]): string | undefined => parts.filter(Boolean).join(' ') || undefined;

/** @param userAgent as sent; nothing else is known of a program that is no browser */
export const describeDevice = (userAgent: string | undefined): DeviceDescription => {
  if (userAgent === undefined) return { device: undefined, browser: undefined, os: undefined };
  const { device, browser, os } = new UAParser(userAgent).getResult();
  const kind = kinds[device.type ?? ''] ?? (os.name === undefined ? undefined : 'Computer');
  return {
    device: joined(device.vendor, device.model) ?? kind,
    browser: joined(browser.name, browser.major) ?? (os.name === undefined ? userAgent.slice(0, 100) : undefined),
    os: joined(os.name, os.version),
  };
};

export interface DeviceFamily {
  os: string | undefined;
  browser: string | undefined;
}

const families = new Map<string, DeviceFamily>();
const maxFamilies = 500;

/** Safari on an iPad says that it is on a Mac, and back, as its reader wishes. */
const apple = new Set(['iOS', 'macOS', 'iPadOS', 'Mac OS']);

const parsed = (userAgent: string): DeviceFamily => {
  const { browser, os } = new UAParser(userAgent).getResult();
  const name = browser.name?.replace(/^Mobile /, '');
  const isApple = name === 'Safari' && apple.has(os.name ?? '');
  return { os: isApple ? 'Apple' : os.name, browser: name };
};

/** Browser and system without their versions; parsed once for each text that is seen often. */
export const familyOf = (userAgent: string | undefined): DeviceFamily => {
  if (userAgent === undefined) return { os: undefined, browser: undefined };
  const known = families.get(userAgent);
  if (known) return known;
  if (families.size >= maxFamilies) families.delete(String(families.keys().next().value));
  const family = parsed(userAgent);
  families.set(userAgent, family);
  return family;
};
