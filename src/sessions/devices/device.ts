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
