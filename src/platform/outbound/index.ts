/**
 * Owns: calls to addresses that somebody else chose: keys and metadata of clients, request objects, logout addresses, webhooks
 * (SF-01 to SF-05, F-22). Whatever fails, the caller learns the same.
 */
export { createOutbound, type Outbound, OutboundError, type OutboundRequest } from './guarded.ts';
export { createStandInOutbound } from './stand-ins.ts';
