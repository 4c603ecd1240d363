import { networkOf, type Place } from '../../platform/geo/index.ts';

export type RiskLevel = 'low' | 'medium' | 'high';

/** One reason, with what it rests on; the sum of the weights is the score. */
export interface RiskFactor {
  name: 'new_device' | 'unknown_browser' | 'new_network' | 'new_country' | 'impossible_travel' | 'recent_failures';
  weight: number;
  evidence: string;
}

/** A sign-in as far as risk looks at it. */
export interface Seen {
  at: Date;
  ip: string;
  place: Place | undefined;
  /** Browser and system without versions. */
  family: string;
}

const weights: Record<RiskFactor['name'], number> = {
  new_device: 25,
  unknown_browser: 10,
  new_network: 10,
  new_country: 30,
  impossible_travel: 40,
  recent_failures: 20,
};
const mediumFrom = 30;
const highFrom = 60;
/** A mistyped password is human. */
const failuresThatCount = 3;
/** Faster than an airliner, further than two databases disagree. */
const kmPerHour = 1000;
const leastKm = 500;

export const levelOf = (score: number): RiskLevel => (score >= highFrom ? 'high' : score >= mediumFrom ? 'medium' : 'low');

/** Great-circle distance. */
const kmBetween = (one: NonNullable<Place['position']>, other: NonNullable<Place['position']>): number => {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const [lat1, lat2] = [radians(one.latitude), radians(other.latitude)];
  const half =
    Math.sin((lat2 - lat1) / 2) ** 2 +
    Math.cos(lat1) * Math.cos(lat2) * Math.sin(radians(other.longitude - one.longitude) / 2) ** 2;
  return 12_742 * Math.asin(Math.sqrt(half));
};

const factor = (name: RiskFactor['name'], evidence: string): RiskFactor => ({ name, weight: weights[name], evidence });

const travelled = (last: Seen | undefined, now: Seen): RiskFactor[] => {
  if (!last?.place?.position || !now.place?.position) return [];
  const km = kmBetween(last.place.position, now.place.position);
  const hours = Math.max(0.01, (now.at.getTime() - last.at.getTime()) / 3_600_000);
  if (km < leastKm || km / hours < kmPerHour) return [];
  return [factor('impossible_travel', `${Math.round(km)} km in ${hours.toFixed(1)} h`)];
};

const fromDevice = (past: readonly Seen[], now: Seen, isKnownBrowser: boolean | undefined): RiskFactor[] => {
  if (isKnownBrowser === true) return [];
  if (!past.some(({ family }) => family === now.family)) return [factor('new_device', now.family)];
  return isKnownBrowser === false ? [factor('unknown_browser', now.family)] : [];
};

const fromPlace = (past: readonly Seen[], now: Seen): RiskFactor[] => {
  const found: RiskFactor[] = [];
  const network = networkOf(now.ip);
  if (!past.some(({ ip }) => networkOf(ip) === network)) found.push(factor('new_network', network));
  const countries = new Set(past.flatMap(({ place }) => place?.country ?? []));
  const country = now.place?.country;
  if (country !== undefined && countries.size > 0 && !countries.has(country))
    found.push(factor('new_country', `${country}, before: ${[...countries].join(' ')}`));
  return found;
};

export interface Circumstances {
  /** The newest first. */
  past: readonly Seen[];
  now: Seen;
  /** Whether the browser was signed in from before; `undefined` for a program. */
  isKnownBrowser: boolean | undefined;
  /** Wrong passwords since the last right one. */
  failures: number;
}

/** Nothing to compare with, nothing to be new: a first sign-in has the failures before it only. */
export const factorsOf = ({ past, now, isKnownBrowser, failures }: Circumstances): RiskFactor[] => [
  ...(past.length === 0 ? [] : [...fromDevice(past, now, isKnownBrowser), ...fromPlace(past, now), ...travelled(past[0], now)]),
  ...(failures >= failuresThatCount ? [factor('recent_failures', String(failures))] : []),
];
