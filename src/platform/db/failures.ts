interface DatabaseFailure {
  code?: string;
  constraint?: string;
  message?: string;
  name?: string;
}

const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT']);
// PostgreSQL Appendix A: shutdowns, too many connections, read-only standby, statement timeout, lock timeout, disk full.
const stateCodes = new Set(['57P01', '57P02', '57P03', '53300', '25006', '57014', '55P03', '53100', '53200']);

/** True when the database is away, shedding load or read-only, so that the answer is 503 and not 500. */
export const isUnavailable = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const { code = '', message = '', name } = error as DatabaseFailure;
  if (name === 'KnexTimeoutError' || code.startsWith('08') || stateCodes.has(code)) return true;
  return (
    networkCodes.has(code) ||
    /Connection terminated|connection is closed|Client has encountered a connection error/i.test(message)
  );
};

/** SQLSTATE 53100: what is stored cannot grow (F-16). */
export const isStorageFull = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as DatabaseFailure).code === '53100';

const violates = (error: unknown, code: string, constraint: string | undefined): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const failure = error as DatabaseFailure;
  return failure.code === code && (constraint === undefined || failure.constraint === constraint);
};

/** SQLSTATE 23505. @param constraint name of the index, when only one is meant */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean => violates(error, '23505', constraint);

/** SQLSTATE 23503: what is pointed to is not there. */
export const isForeignKeyViolation = (error: unknown, constraint: string): boolean => violates(error, '23503', constraint);

/** SQLSTATE classes 22 and 23: the value itself is at fault, and fails however often it is tried. */
export const isRejectedValue = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && /^2[23]/.test(String((error as DatabaseFailure).code));

/** Serialization failure and deadlock: the whole transaction may be tried again. */
export const isRetryable = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && ['40001', '40P01'].includes((error as DatabaseFailure).code ?? '');
