import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { setUpCertification } from '../test/support/authzen.ts';
import { enforcer, machineToken, personCalls } from '../test/support/callers.ts';
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
  /** The official suite, which the provider calls back, and the name by which it reaches this machine. */
  suite?: { host: string; origin: string; issuer?: string | undefined } | undefined;
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
  // FAPI 1.0 Advanced §8.5: of TLS 1.2 its plan offers what needs an RSA key.
  const certificate = createCertificate(`castellan conformance ${nonce()}`, suite ? 'rsa' : 'ec');
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  const relyingParty = await startRelyingParty(certificate);
  // The suite's second client comes back to an address with a query (README of the suite, §1.1).
  const callback = (clientId: string): string => {
    const query = clientId.endsWith('-2') ? '?dummy1=lorem&dummy2=ipsum' : '';
    return suite
      ? `${suite.origin}/test/a/${clientId.replace(/-\d$/, '')}/callback${query}`
      : `${relyingParty.origin}/callback/${clientId}${query}`;
  };
  const notification = (clientId: string): string =>
    suite
      ? callback(clientId).replace(/callback(\?.*)?$/, 'ciba-notification-endpoint')
      : relyingParty.notifications(clientId).url;
  const fapi = await createFapiClients(callback, notification);
  const env = {
    PROFILE: 'conformance',
    TLS_CLIENT_CERT: 'request',
    // Whoever is told another name than localhost comes from elsewhere.
    ...(suite?.issuer === undefined ? {} : { HOST: '0.0.0.0' }),
    OUTBOUND_ALLOW: ['127.0.0.1', ...(suite ? [suite.host] : [])].join(','),
  };
  const clients = [...fapi.map(({ metadata }) => metadata), enforcer];
  const administrator = { email: 'root@example.test', password: nonce(), email_verified: true, roles: ['SUPER_ADMIN'] };
  const bootstrap = { clients, users: [administrator] };
  const stand: Stand = await startStand({ env, tls: certificate, issuer: suite?.issuer, bootstrap });
  const prepare = async (): Promise<void> =>
    setUpCertification(await personCalls(stand, administrator.email, administrator.password));
  let prepared: Promise<void> | undefined;
  const time = installMovableTime();
  const { issuer, person } = stand;
  return {
    issuer,
    person,
    relyingParty,
    advance: time.advance,
    rotateKeys: () => stand.app.rotateKeys(),
    delivered,
    decisionToken: async () => {
      prepared ??= prepare();
      await prepared;
      // It lives a quarter of an hour.
      return machineToken(stand);
    },
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
