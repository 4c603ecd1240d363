/**
 * Owns: envelope encryption of secrets at rest with the master key (FEATURES S5), digests of bearer values, ids.
 */

export { constantTimeEqual, randomSecret, sha256 } from './digest.ts';
export { createEnvelope, type Envelope, EnvelopeError, indexKeyOf } from './envelope.ts';
export { loadMasterKeys } from './master-key.ts';
export { isUuid, uuidv7 } from './uuid.ts';
