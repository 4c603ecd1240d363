import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Reader } from './reader.ts';
import type { Config } from './types.ts';

export const readHost = (reader: Reader): string => {
  const host = reader.text('HOST') ?? '127.0.0.1';
  const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(host) && !/^[\d.]+$/.test(host);
  if (isIP(host) === 0 && !isName) reader.mistake('HOST: must be an address of this machine, or its name');
  return host;
};

export const readTls = (reader: Reader, cwd: string): Config['tls'] => {
  const certFile = reader.file('TLS_CERT_FILE', cwd);
  const keyFile = reader.file('TLS_KEY_FILE', cwd);
  if ((reader.text('TLS_CERT_FILE') === undefined) !== (reader.text('TLS_KEY_FILE') === undefined)) {
    reader.mistake('TLS_CERT_FILE, TLS_KEY_FILE: must be given together');
  }
  if (certFile === undefined || keyFile === undefined) return undefined;
  try {
    createSecureContext({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
  } catch {
    reader.mistake('TLS_CERT_FILE, TLS_KEY_FILE: must be a certificate chain and its private key, both PEM and readable');
  }
  return { certFile, keyFile };
};

/** A setting that could never be of use is a mistake. */
export const readClientCertificates = (reader: Reader): Config['tlsClientCert'] => {
  const value = reader.choice('TLS_CLIENT_CERT', ['off', 'request', 'header']);
  if (value === 'request' && reader.text('TLS_CERT_FILE') === undefined) {
    reader.mistake('TLS_CLIENT_CERT: request needs TLS_CERT_FILE; behind a proxy it is header');
  }
  if (value === 'header' && reader.text('TRUST_PROXY') === undefined) {
    reader.mistake('TLS_CLIENT_CERT: header needs TRUST_PROXY, the proxy whose header counts');
  }
  return value;
};

/** An address, or a name and an address in angle brackets; nothing that would be a second header line. */
export const readMailFrom = (reader: Reader, issuer: string): string => {
  const given = reader.text('MAIL_FROM');
  if (given === undefined) return `Castellan <no-reply@${URL.canParse(issuer) ? new URL(issuer).hostname : 'localhost'}>`;
  const address = /^(?:[^<>\p{C}]*<([^<>]+)>|([^<>]+))$/u.exec(given);
  if (!/^[^\s@\p{C},;:()[\]\\"]+@[^\s@\p{C},;:()[\]\\"]+$/u.test(address?.[1] ?? address?.[2] ?? '')) {
    reader.mistake('MAIL_FROM: must be an address, such as login@example.com or Example <login@example.com>');
  }
  return given;
};
