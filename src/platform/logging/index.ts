/**
 * Owns: the JSON log (FEATURES O3) with redaction, and the request scope that gives every line and audit event its
 * correlation id.
 */
export { createLogger, createRequestLog, type Logger, type RequestLine } from './logger.ts';
export { currentScope, inScope, type RequestScope } from './scope.ts';
