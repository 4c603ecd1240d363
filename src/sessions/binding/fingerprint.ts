import { sha256 } from '../../platform/crypto/index.ts';
import { networkOf, type Places } from '../../platform/geo/index.ts';
import { familyOf } from '../devices/device.ts';

/** A request as far as it tells of its browser. */
export interface Surroundings {
  ip: string;
  userAgent: string | undefined;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /** What the browser holds since a sign-in (PW-11). */
  device?: string | undefined;
}

/** What a session is bound to: nothing that changes when a browser is updated. */
export interface Fingerprint {
  os?: string | undefined;
  browser?: string | undefined;
  /** Client hint of Chromium's family. */
  platform?: string | undefined;
  /** Primary tags, `en vi`. */
  languages?: string | undefined;
  network?: string | undefined;
  country?: string | undefined;
  /** SHA-256 of what the browser holds. */
  device?: string | undefined;
}

/** In which way a request differs from what its session is bound to. */
export type Signal = 'os' | 'browser' | 'platform' | 'device' | 'program' | 'languages' | 'network' | 'country';

/** A network or a country alone says nothing (people travel); what a browser cannot change by itself does. */
const weights: Record<Signal, number> = {
  os: 3,
  browser: 3,
  platform: 3,
  device: 3,
  program: 2,
  languages: 1,
  network: 1,
  country: 1,
};
/** From here on it is clearly another device (SE-10). */
export const clearlyDifferent = 3;

const languagesOf = (header: string | undefined): string | undefined => {
  const tags = (header ?? '').slice(0, 200).split(',');
  const primary = tags.map((tag) => /^\s*([a-z]{2,3})\b/i.exec(tag)?.[1]?.toLowerCase()).filter(Boolean);
  return [...new Set(primary)].sort().join(' ') || undefined;
};

export const fingerprintOf = ({ ip, userAgent, header, device }: Surroundings, places: Places): Fingerprint => ({
  ...familyOf(userAgent),
  platform: header('sec-ch-ua-platform')?.slice(0, 40),
  languages: languagesOf(header('accept-language')),
  network: networkOf(ip),
  country: places.find(ip)?.country,
  device: device === undefined || device.length > 100 ? undefined : sha256(device),
});

const differs = (before: string | undefined, now: string | undefined): boolean =>
  before !== undefined && now !== undefined && before !== now;

const shareNone = (before = '', now = ''): boolean => {
  const known = new Set(before.split(' '));
  return before !== '' && now !== '' && !now.split(' ').some((tag) => known.has(tag));
};

const isProgram = ({ os, browser }: Fingerprint): boolean => os === undefined && browser === undefined;

/** What is known on one side only counts for nothing, save the browser's own token, which a thief of one cookie lacks. */
export const signalsOf = (before: Fingerprint, now: Fingerprint): Signal[] => {
  const found: Record<Signal, boolean> = {
    os: differs(before.os, now.os),
    browser: differs(before.browser, now.browser),
    platform: differs(before.platform, now.platform),
    device: before.device !== undefined && before.device !== now.device,
    program: isProgram(before) !== isProgram(now),
    languages: shareNone(before.languages, now.languages),
    network: differs(before.network, now.network),
    country: differs(before.country, now.country),
  };
  return (Object.keys(found) as Signal[]).filter((signal) => found[signal]);
};

export const scoreOf = (signals: readonly Signal[]): number => signals.reduce((sum, signal) => sum + weights[signal], 0);
