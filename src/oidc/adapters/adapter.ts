import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { ClientSource } from '../ports.ts';
import { metadataOf } from '../provider/client-view.ts';
import { hashOf, markerOf } from './markers.ts';
import { createReplays } from './replays.ts';
import { type ArtifactRow, type BlindIndex, fromRow, type RowTimes, toRow } from './rows.ts';
import { AlreadyConsumed, type ArtifactStore } from './store.ts';
import { currentUnit } from './unit.ts';

/** Where clients that register themselves are kept (RFC 7591). */
export interface ClientRegistrar {
  register(metadata: Record<string, unknown>): Promise<void>;
  remove(clientId: string): Promise<void>;
}

export interface AdapterDeps {
  store: ArtifactStore;
  clients: Pick<ClientSource, 'find'> & Partial<ClientRegistrar>;
  envelope: Pick<Envelope, 'blindIndex'>;
}

const replayHorizonSeconds = 86_400;
/** TK-03: what was made by a clock ahead of ours is good that much longer than the core remembers it. */
const aheadSeconds = 20;

/** What the loser of a race is told. */
export const consumedError = ({ kind }: AlreadyConsumed): Error =>
  kind === 'PushedAuthorizationRequest'
    ? new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used')
    : new errors.InvalidGrant(`${kind} was already used`);

const presentedHash = (id: string): string => {
  const hashes = currentUnit()?.hashes;
  const idHash = hashes?.get(id) ?? hashOf(id);
  hashes?.set(id, idHash);
  return idHash;
};

const timesOf = (clock: Clock): RowTimes => {
  const now = clock.now();
  return { now, skewSeconds: Math.round((now.getTime() - Date.now()) / 1000) };
};

/** What the library would be given for a row, found by the id that was presented. */
export const payloadOf = (row: ArtifactRow, id: string, clock: Clock): AdapterPayload =>
  fromRow(row, { jti: id }, timesOf(clock).skewSeconds);

/** One class for every model of the provider, on `oidc_artifacts`. */
export class ArtifactAdapter implements Adapter {
  readonly #kind: string;
  readonly #deps: AdapterDeps;
  readonly #blindIndex: BlindIndex;

  constructor(kind: string, deps: AdapterDeps) {
    this.#kind = kind;
    this.#deps = deps;
    this.#blindIndex = (userCode) => deps.envelope.blindIndex(userCode, 'device-user-code');
  }

  get #times(): RowTimes {
    return timesOf(this.#deps.store.clock);
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (this.#kind === 'Client') return await this.#deps.clients.register?.(payload as Record<string, unknown>);
    const isReplay = this.#kind === 'ReplayDetection' && expiresIn !== undefined;
    const seconds = isReplay ? expiresIn + aheadSeconds : expiresIn;
    await this.#deps.store.keep(toRow(this.#kind, id, payload, seconds, this.#times, this.#blindIndex));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#kind === 'Client') {
      const record = await this.#deps.clients.find(id);
      return record && (metadataOf(record) as AdapterPayload);
    }
    if (this.#kind === 'ReplayDetection') return this.#claim(id);
    const facts = await this.#deps.store.find(this.#kind, presentedHash(id));
    return facts && payloadOf(facts.row, id, this.#deps.store.clock);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const facts = await this.#deps.store.findByLookup(this.#kind, hashOf(uid));
    return facts && fromRow(facts.row, { jti: markerOf(facts.row.id), uid }, this.#times.skewSeconds);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const facts = await this.#deps.store.findByLookup(this.#kind, this.#blindIndex(userCode));
    return facts && fromRow(facts.row, { jti: markerOf(facts.row.id), userCode }, this.#times.skewSeconds);
  }

  /** @throws errors.InvalidGrant when another request, in any process, was first */
  async consume(id: string): Promise<void> {
    try {
      await this.#deps.store.consume({ id: hashOf(id), kind: this.#kind });
    } catch (error) {
      throw error instanceof AlreadyConsumed ? consumedError(error) : error;
    }
  }

  async destroy(id: string): Promise<void> {
    if (this.#kind === 'Client') return await this.#deps.clients.remove?.(id);
    return this.#deps.store.destroy({ id: hashOf(id), kind: this.#kind });
  }

  /** Everything under the grant, of every kind; the library asks once for each. */
  revokeByGrantId(grantId: string): Promise<void> {
    return this.#deps.store.revokeGrant(hashOf(grantId));
  }

  /** The library looks, then saves; to be exact on several replicas, looking takes the id at once. */
  async #claim(id: string): Promise<AdapterPayload | undefined> {
    const isFirst = await createReplays(this.#deps.store).claim(hashOf(id), replayHorizonSeconds);
    return isFirst ? undefined : { jti: id, kind: this.#kind };
  }
}
