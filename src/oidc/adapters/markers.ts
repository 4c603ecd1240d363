import { hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { constantTimeEqual, sha256 } from '../../platform/crypto/index.ts';

/**
 * Rows hold SHA-256 of ids (DESIGN.md, decision 7), yet the library follows references: token → grant → session. A reference that
 * was read from a row becomes a marker, which only this process can make and which leads back to the hash. A hash out of a
 * stolen dump is therefore worth nothing: it is hashed once more like any other value that somebody presents.
 */
const processKey = randomBytes(32).toString('base64url');
const prefix = 'ref:';
const hashLength = 43;

const tag = (idHash: string): string => hash('sha256', `${processKey}${idHash}`, 'base64url');

// One request makes and follows the markers of its grant and session several times; a digest each time is a twentieth of it.
const markers = new LRUCache<string, string>({ max: 5000 });

const make = (idHash: string): string => `${prefix}${idHash}${tag(idHash)}`;

/** A reference for use inside this process only. */
export const markerOf = (idHash: string): string => {
  const known = markers.get(idHash);
  if (known !== undefined) return known;
  const marker = make(idHash);
  markers.set(idHash, marker);
  return marker;
};

/** The hash a row is stored under, for an id as presented or for a marker of ours. */
export const hashOf = (id: string): string => {
  if (id.startsWith(prefix) && id.length === prefix.length + 2 * hashLength) {
    const idHash = id.slice(prefix.length, prefix.length + hashLength);
    // What somebody presents is looked for among those that were made, and adds none.
    if (constantTimeEqual(id, markers.get(idHash) ?? make(idHash))) return idHash;
  }
  return sha256(id);
};
