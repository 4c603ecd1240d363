import { type DestinationStream, type Logger, pino } from 'pino';
import { currentScope } from './scope.ts';

export type { Logger } from 'pino';

// security-cases: credentials never reach the log, whatever object somebody hands to it.
const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'currentPassword',
  'newPassword',
  'client_secret',
  'clientSecret',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'idToken',
  'code',
  'code_verifier',
  'user_code',
  'mfaToken',
  'secret',
];
const paths = secretNames.flatMap((name) => {
  const key = name.includes('-') ? `["${name}"]` : name;
  const dotted = name.includes('-') ? key : `.${key}`;
  return [key, `*${dotted}`, `*.*${dotted}`];
});

/** @param destination where lines go, standard output by default */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[redacted]' },
      mixin: () => {
        const correlationId = currentScope()?.correlationId;
        return correlationId === undefined ? {} : { correlationId };
      },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
