/** Owns: where an address is, as far as a database file of the operator's tells (`GEOIP_DB`), and which network it belongs to. */
import { type CityResponse, open } from 'maxmind';
import { ConfigError } from '../config/index.ts';

export { networkOf } from './network.ts';

/** Coarse on purpose: city or country, never a street. */
export interface Place {
  /** In English: `Hanoi, Vietnam`. */
  name: string;
  /** ISO 3166-1 alpha-2. */
  country: string | undefined;
  /** Degrees. */
  position: { latitude: number; longitude: number } | undefined;
}

export interface Places {
  /** `undefined` for an address that is nowhere: private, unknown, or no database given. */
  find(ip: string | undefined): Place | undefined;
}

const placeOf = ({ city, country, registered_country: registered, location }: CityResponse): Place | undefined => {
  const land = country ?? registered;
  const name = [city?.names.en, land?.names.en].filter(Boolean).join(', ');
  if (name === '') return undefined;
  const position = location && { latitude: location.latitude, longitude: location.longitude };
  return { name, country: land?.iso_code, position };
};

/**
 * @param file a MaxMind DB (GeoLite2, GeoIP2, DB-IP: City or Country); read whole, once
 * @throws ConfigError when it is none
 */
export const openPlaces = async (file: string | undefined): Promise<Places> => {
  if (file === undefined) return { find: () => undefined };
  const reader = await open<CityResponse>(file).catch((cause: unknown) => {
    throw Object.assign(new ConfigError(['GEOIP_DB: the file is not a MaxMind DB']), { cause });
  });
  return {
    find: (ip) => {
      try {
        const found = ip === undefined ? null : reader.get(ip);
        return found === null ? undefined : placeOf(found);
      } catch {
        // What is no address is nowhere.
        return undefined;
      }
    },
  };
};
