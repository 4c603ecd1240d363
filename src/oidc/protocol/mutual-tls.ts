import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Configuration } from 'oidc-provider';
import type { Config } from '../../platform/config/index.ts';

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>;

interface MutualTlsDeps {
  config: Pick<Config, 'tlsClientCert' | 'trustProxy'>;
}

/** RFC 9440 §2.1: a byte sequence of RFC 8941, the DER certificate in base64 between colons. */
const fromHeader = (value: string): X509Certificate | undefined => {
  const encoded = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return new X509Certificate(Buffer.from(encoded, 'base64'));
  } catch {
    return undefined;
  }
};

interface Presented {
  certificate: X509Certificate;
  /** Checked against a CA, by us or by the proxy. */
  isVerified: boolean;
}

interface Carrier {
  req: IncomingMessage;
}

const readers: Record<Config['tlsClientCert'], (carrier: Carrier, trustProxy: Config['trustProxy']) => Presented | undefined> = {
  off: () => undefined,
  request: ({ req }) => {
    const socket = req.socket as Partial<TLSSocket>;
    const certificate = socket.getPeerX509Certificate?.();
    return certificate && { certificate, isVerified: socket.authorized === true };
  },
  // A header of anybody but the proxy is a claim, not a certificate.
  header: ({ req }, trustProxy) => {
    const value = req.headers['client-cert'];
    if (typeof value !== 'string' || !trustProxy.has(req.socket.remoteAddress ?? '')) return undefined;
    const certificate = fromHeader(value);
    return certificate && { certificate, isVerified: true };
  },
};

const alternativeNames: Record<string, string> = {
  tls_client_auth_san_dns: 'DNS',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP Address',
  tls_client_auth_san_email: 'email',
};

/** RFC 4514 writes a name from its last part to its first, with commas; Node writes one part a line from the first. */
const subjectOf = (certificate: X509Certificate): string => certificate.subject.split('\n').reverse().join(',');
const normalized = (name: string): string => name.replace(/\s*([,=])\s*/g, '$1').toLowerCase();

const subjectMatches = (certificate: X509Certificate, property: string, expected: string): boolean => {
  const kind = alternativeNames[property];
  if (kind === undefined) return normalized(subjectOf(certificate)) === normalized(expected);
  const names = (certificate.subjectAltName ?? '').split(', ');
  return names.includes(`${kind}:${expected}`);
};

/** The certificate a client came with, whoever signed it. */
export const certificateReader =
  ({ tlsClientCert, trustProxy }: MutualTlsDeps['config']) =>
  (carrier: Carrier): X509Certificate | undefined =>
    readers[tlsClientCert](carrier, trustProxy)?.certificate;

/** RFC 8705 over direct TLS or a trusted proxy's `Client-Cert` header. */
export const mutualTls = ({ config: { tlsClientCert, trustProxy } }: MutualTlsDeps): MutualTls => {
  const presented = (ctx: Carrier): Presented | undefined => readers[tlsClientCert](ctx, trustProxy);
  if (tlsClientCert === 'off') return { enabled: false };
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: (ctx) => presented(ctx)?.certificate,
    certificateAuthorized: (ctx) => presented(ctx)?.isVerified === true,
    certificateSubjectMatches: (ctx, property, expected) => {
      const { certificate } = presented(ctx) ?? {};
      return certificate !== undefined && subjectMatches(certificate, property, expected);
    },
  };
};
