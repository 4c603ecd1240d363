import { domainToASCII } from 'node:url';
import type { Reader } from './reader.ts';
import type { Config, SessionSettings } from './types.ts';

const readDomains = (reader: Reader, name: string): string[] =>
  reader.list(name).flatMap((entry) => {
    const wild = entry.startsWith('*.') ? '*.' : '';
    const domain = domainToASCII(entry.slice(wild.length).toLowerCase());
    if (/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain)) return [`${wild}${domain}`];
    reader.mistake(`${name}: ${JSON.stringify(entry)} is not a domain`);
    return [];
  });

export const readRegistrationPolicy = (reader: Reader): Config['registrationPolicy'] => ({
  allowedDomains: readDomains(reader, 'REGISTRATION_DOMAINS'),
  deniedDomains: readDomains(reader, 'REGISTRATION_DENIED_DOMAINS'),
  needsApproval: reader.choice('REGISTRATION_APPROVAL', ['off', 'required']) === 'required',
  needsVerifiedEmail: reader.choice('EMAIL_VERIFICATION', ['optional', 'required']) === 'required',
});

export const readSessions = (reader: Reader): SessionSettings => {
  const idleMinutes = reader.integer('SESSION_IDLE_MINUTES', 720, 5, 43_200);
  const maxMinutes = reader.integer('SESSION_MAX_MINUTES', 10_080, 5, 525_600);
  if (idleMinutes > maxMinutes) reader.mistake('SESSION_IDLE_MINUTES: must not be longer than SESSION_MAX_MINUTES');
  return {
    limit: reader.integer('SESSION_LIMIT', 0, 0, 1000),
    limitReached: reader.choice('SESSION_LIMIT_REACHED', ['end-oldest', 'refuse']),
    idleSeconds: idleMinutes * 60,
    absoluteSeconds: maxMinutes * 60,
    binding: reader.choice('SESSION_BINDING', ['reauthenticate', 'end', 'log', 'off']),
  };
};
