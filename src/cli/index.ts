/**
 * Owns: `castellan`, one file per command, and the operator channel by which commands reach a running server that owns the embedded
 * database.
 */
export { openOperatorChannel } from './operator/channel.ts';
