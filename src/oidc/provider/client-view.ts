import type { AllClientMetadata, Client } from 'oidc-provider';
import { sha256 } from '../../platform/crypto/index.ts';
import type { ClientBrand, ClientRecord, ClientSettings } from '../ports.ts';
import type { ClientView } from '../surface.ts';

/** What of a client record rides along in the provider's client, under one name of our own. */
export interface OwnMetadata {
  settings: ClientSettings;
  isFirstParty: boolean;
  isVerified: boolean;
  brand?: ClientBrand | undefined;
}

/** Extra metadata name; never part of a registration. */
export const ownMetadataName = 'castellan';

const made = new WeakMap<ClientRecord, AllClientMetadata>();

/**
 * The library builds a client once for each distinct row, which it tells by its JSON, at each request anew; what we hand out is
 * already one object for each record, and writes itself as the digest of what it holds.
 */
export const metadataOf = (record: ClientRecord): AllClientMetadata => {
  let metadata = made.get(record);
  if (!metadata) {
    const { settings, isFirstParty, isVerified, brand } = record;
    const own: OwnMetadata = { settings, isFirstParty, isVerified, brand };
    metadata = { ...record.metadata, client_id: record.clientId, [ownMetadataName]: own } as AllClientMetadata;
    const digest = sha256(JSON.stringify(metadata));
    Object.defineProperty(metadata, 'toJSON', { value: () => digest });
    made.set(record, metadata);
  }
  return metadata;
};

const nothing: OwnMetadata = { settings: {}, isFirstParty: false, isVerified: false };

export const ownOf = (client: Client | undefined): OwnMetadata =>
  (client?.[ownMetadataName] as OwnMetadata | undefined) ?? nothing;

export const settingsOf = (client: Client | undefined): ClientSettings => ownOf(client).settings;

export const clientViewOf = (client: Client): ClientView => {
  const { isFirstParty, isVerified, settings, brand } = ownOf(client);
  const { accentColor } = settings;
  const { clientId, clientName, logoUri, clientUri, policyUri, tosUri } = client;
  const shown = { name: clientName ?? clientId, logoUri, clientUri, policyUri, tosUri, accentColor, brand };
  return { clientId, ...shown, isFirstParty, isVerified };
};
