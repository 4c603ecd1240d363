import { randomUUID } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { type Envelope, sha256 } from '../crypto/index.ts';
import type { RedisLink } from './redis.ts';

/** The order of invalidations as a read saw it: what it loads is kept only if no tag of it was invalidated since. */
interface Place {
  epoch: string;
  sequence: string;
}

export interface Level2 {
  /** `undefined` without Redis. */
  read(
    name: string,
    key: string,
  ): Promise<{ place: Place; found: { value: unknown; tags: readonly string[] } | undefined } | undefined>;
  store(name: string, key: string, place: Place, value: unknown, tags: readonly string[], seconds: number): Promise<void>;
  /** Invalidates and tells the other processes, at once. False without Redis. */
  invalidate(tags: readonly string[], message: string): Promise<boolean>;
  /** Makes everything that is there unreadable: after messages may have been missed. */
  reset(): Promise<void>;
}

// One hash holds the epoch and the place of each tag's last invalidation. Where Redis evicts or loses it, the next reader writes a
// new epoch, and no older value is readable any more (F-08). Foreign content under our keys counts as absent (F-10).
const read = `
local state = redis.pcall('HMGET', KEYS[1], 'epoch', 'seq')
if state.err then redis.call('DEL', KEYS[1]); state = {false, false} end
local epoch, seq = state[1], state[2] or '0'
if not epoch then epoch = ARGV[1]; redis.call('HSET', KEYS[1], 'epoch', epoch) end
local entry = redis.pcall('HMGET', KEYS[2], 'epoch', 'seq', 'tags', 'value')
if entry.err or entry[1] ~= epoch or not (entry[2] and entry[3] and entry[4]) then return {epoch, seq} end
local at = tonumber(entry[2]) or -1
for tag in string.gmatch(entry[3], '[^\\n]+') do
  if tonumber(redis.call('HGET', KEYS[1], 't:' .. tag) or '0') > at then return {epoch, seq} end
end
return {epoch, seq, entry[4]}`;

const store = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for tag in string.gmatch(ARGV[3], '[^\\n]+') do
  if tonumber(redis.call('HGET', KEYS[1], 't:' .. tag) or '0') > tonumber(ARGV[2]) then return 0 end
end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'seq', ARGV[2], 'tags', ARGV[3], 'value', ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1`;

const invalidate = `
local seq = redis.pcall('HINCRBY', KEYS[1], 'seq', 1)
if type(seq) == 'table' then redis.call('DEL', KEYS[1]) else
  for tag in string.gmatch(ARGV[1], '[^\\n]+') do
    if tag == '*' then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], 't:' .. tag, seq) end
  end
  if redis.call('HLEN', KEYS[1]) > 100000 then redis.call('DEL', KEYS[1]) end
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`;

const reset = `return redis.call('DEL', KEYS[1])`;

export interface Level2Deps {
  redis: RedisLink;
  envelope: Envelope;
  /** Tells deployments on one Redis apart. */
  namespace: string;
  channel: string;
}

/** Values in Redis, sealed and bound to their key: they may hold personal data, and what we did not write does not open. */
export const createLevel2 = ({ redis, envelope, namespace, channel }: Level2Deps): Level2 => {
  // In braces, so that a cluster keeps all keys of a script in one slot.
  const state = `{${namespace}}:tags`;
  const entryOf = (name: string, key: string): string => `{${namespace}}:${name}:${sha256(key)}`;
  const contextOf = (name: string, key: string): string => `cache:${name}:${key}`;

  const open = (name: string, key: string, sealed: string): { value: unknown; tags: readonly string[] } | undefined => {
    try {
      const [tags, value] = deserialize(Buffer.from(envelope.open(sealed, contextOf(name, key)), 'base64')) as [
        string[],
        unknown,
      ];
      return { value, tags };
    } catch {
      return undefined;
    }
  };

  // An invalidation that Redis did not get is owed: until all is made unreadable, nothing is read.
  let isOwed = false;
  const isTrusted = async (): Promise<boolean> => {
    if (isOwed && (await redis.script(reset, [state], [])) !== undefined) isOwed = false;
    return !isOwed;
  };

  return {
    read: async (name, key) => {
      if (!redis.isUp() || !(await isTrusted())) return undefined;
      const answer = await redis.script(read, [state, entryOf(name, key)], [randomUUID()]);
      if (!Array.isArray(answer)) return undefined;
      const [epoch, sequence, sealed] = answer as [string, string, string | undefined];
      return { place: { epoch, sequence }, found: sealed === undefined ? undefined : open(name, key, sealed) };
    },
    store: async (name, key, { epoch, sequence }, value, tags, seconds) => {
      const sealed = envelope.seal(serialize([tags, value]).toString('base64'), contextOf(name, key));
      const ttl = Math.ceil(seconds * (0.9 + Math.random() * 0.1));
      await redis.script(store, [state, entryOf(name, key)], [epoch, sequence, tags.join('\n'), sealed, ttl]);
    },
    invalidate: async (tags, message) => {
      const isDone = (await redis.script(invalidate, [state], [tags.join('\n'), channel, message])) !== undefined;
      if (!isDone) isOwed = true;
      return isDone;
    },
    reset: async () => {
      isOwed = true;
      await isTrusted();
    },
  };
};
