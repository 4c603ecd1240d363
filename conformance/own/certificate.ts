import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A self-signed certificate with its key, made without any tool (X.690 DER, RFC 5280 §4.1). */
export interface Certificate {
  cert: string;
  key: string;
}

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
};

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const time = (at: Date): Buffer => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
const pem = (label: string, body: Buffer): string =>
  `-----BEGIN ${label}-----\n${(body.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

/** RFC 5758 §3.2, RFC 4055 §5 */
const kinds = {
  ec: {
    algorithm: sequence(der(0x06, bytes('2a8648ce3d040302'))),
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  },
  rsa: {
    algorithm: sequence(der(0x06, bytes('2a864886f70d01010b')), der(0x05)),
    generate: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  },
};
const commonName = (text: string): Buffer =>
  sequence(der(0x31, sequence(der(0x06, bytes('550403')), der(0x0c, Buffer.from(text)))));

/** @param name common name of subject and issuer; the certificate is good for localhost and 127.0.0.1 */
export const createCertificate = (name: string, kind: keyof typeof kinds = 'ec'): Certificate => {
  const { algorithm, generate } = kinds[kind];
  const { privateKey, publicKey } = generate();
  const year = 365 * 24 * 3600 * 1000;
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(der(0x06, bytes('551d11')), der(0x04, names)),
    sequence(der(0x06, bytes('551d13')), der(0x01, bytes('ff')), der(0x04, sequence(der(0x01, bytes('ff'))))),
  );
  const body = sequence(
    der(0xa0, der(0x02, bytes('02'))),
    der(0x02, Buffer.concat([bytes('01'), randomBytes(15)])),
    algorithm,
    commonName(name),
    sequence(time(new Date(Date.now() - year)), time(new Date(Date.now() + year))),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, bytes('00'), sign('sha256', body, privateKey));
  return {
    cert: pem('CERTIFICATE', sequence(body, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};
