import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { type Stand, startStand } from '../test/support/stand.ts';
import { createFapiClients } from './fapi-clients.ts';
import { createCertificate } from './own/certificate.ts';
import { nonce } from './own/client.ts';
import { startRelyingParty } from './own/relying-party.ts';
import type { Target } from './own/run.ts';
import { installMovableTime } from './own/time.ts';

export interface RunningTarget extends Target {
  /** What the placeholders of `conformance/plans` stand for. */
  placeholders: Record<string, unknown>;
  close(): Promise<void>;
}

interface TargetOptions {
  /** Host of the official suite, which the provider calls back. */
  suite?: { host: string; origin: string } | undefined;
}

/** Time after which what leaves the provider by itself must have arrived. */
const patienceMs = 5000;

const delivered: Target['delivered'] = async (deliveries) => {
  const end = performance.now() + patienceMs;
  while (deliveries.length === 0 && performance.now() < end) await pause(20);
  return deliveries;
};

/** A listening provider with `PROFILE=conformance` over https, and the suite's side beside it, in this process. */
export const startTarget = async ({ suite }: TargetOptions = {}): Promise<RunningTarget> => {
  // A name of its own: OpenSSL finds the issuer of a certificate by name.
  const certificate = createCertificate(`castellan conformance ${nonce()}`);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  const relyingParty = await startRelyingParty(certificate);
  const callback = (clientId: string): string =>
    suite ? `${suite.origin}/test/a/${clientId.replace(/-\d$/, '')}/callback` : `${relyingParty.origin}/callback/${clientId}`;
  const notification = (clientId: string): string =>
    suite ? callback(clientId).replace(/callback$/, 'ciba-notification-endpoint') : relyingParty.notifications(clientId).url;
  const fapi = await createFapiClients(callback, notification);
  const env = {
    PROFILE: 'conformance',
    TLS_CLIENT_CERT: 'request',
    OUTBOUND_ALLOW: ['127.0.0.1', ...(suite ? [suite.host] : [])].join(','),
  };
  const stand: Stand = await startStand({ env, tls: certificate, bootstrap: { clients: fapi.map(({ metadata }) => metadata) } });
  const time = installMovableTime();
  const { issuer, person } = stand;
  return {
    issuer,
    person,
    relyingParty,
    advance: time.advance,
    rotateKeys: () => stand.app.rotateKeys(),
    delivered,
    notifications: relyingParty.notifications,
    clients: Object.fromEntries(fapi.map(({ client }) => [client.clientId, client])),
    placeholders: {
      ISSUER: issuer,
      LOGIN: person.login,
      PASSWORD: person.password,
      ...Object.fromEntries(fapi.map(({ client, privateJwks }) => [`JWKS:${client.clientId}`, privateJwks])),
      ...Object.fromEntries(
        fapi.flatMap(({ client: { clientId }, certificate: { cert, key } }) => [
          [`CERT:${clientId}`, cert],
          [`KEY:${clientId}`, key],
        ]),
      ),
    },
    close: async () => {
      time.restore();
      await stand.close();
      await relyingParty.close();
    },
  };
};
