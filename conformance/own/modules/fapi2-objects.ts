import { nonce, seconds, sharedSigningKey } from '../client.ts';
import { type Changes, Fapi } from '../fapi.ts';
import type { Module } from '../run.ts';
import { objectErrors, pushRefused, succeeds } from './fapi2-steps.ts';

/** FAPI 2.0 Message Signing §5.3: signed request objects. */
const objectRefused = (
  change: (fapi: Fapi) => NonNullable<Changes['object']> | Promise<NonNullable<Changes['object']>>,
  codes = objectErrors,
): Module => {
  return async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.refused(await fapi.push({}, { object: await change(fapi) }), codes);
  };
};

export const objectModules: Record<string, Module> = {
  'ensure-request-object-with-multiple-aud-succeeds': async (run) =>
    succeeds({}, { object: { claims: { aud: [run.target.issuer, 'https://other.example.test'] } } })(run),
  'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted': async (run) => {
    const { answer } = await (await Fapi.create(run)).push({}, { object: { claims: { nbf: seconds() + 8 } } });
    if (answer.status !== 201) run.warn('a request object from a clock 8 s ahead is refused');
  },
  'ensure-request-object-without-exp-fails': objectRefused(() => ({ claims: { exp: undefined } })),
  'ensure-request-object-without-nbf-fails': objectRefused(() => ({ claims: { nbf: undefined } })),
  'ensure-expired-request-object-fails': objectRefused(() => ({ claims: { exp: seconds() - 60 } })),
  'ensure-request-object-with-bad-aud-fails': objectRefused(() => ({ claims: { aud: 'https://other.example.test' } })),
  'ensure-request-object-with-exp-over-60-fails': objectRefused(() => ({ claims: { exp: seconds() + 70 * 60 } })),
  'ensure-request-object-with-nbf-over-60-fails': objectRefused(() => ({ claims: { nbf: seconds() - 70 * 60 } })),
  'ensure-signed-request-object-with-RS256-fails': objectRefused(async () => ({ key: await sharedSigningKey('RS256', 'weak') })),
  'ensure-request-object-signature-algorithm-is-not-none': objectRefused(() => ({
    raw: (object) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${object.split('.')[1]}.`,
  })),
  'ensure-request-object-with-invalid-signature-fails': objectRefused(() => ({
    raw: (object) => `${object.slice(0, object.lastIndexOf('.') + 1)}${'A'.repeat(342)}`,
  })),
  'ensure-matching-key-in-authorization-request': objectRefused(async ({ run }) => ({
    key: (await Fapi.create(run, 2)).client.key,
  })),
  'ensure-unsigned-request-at-par-endpoint-fails': pushRefused(objectErrors, {}, { object: null }),
  'par-authorization-request-containing-request_uri': objectRefused(() => ({
    claims: { request_uri: `urn:ietf:params:oauth:request_uri:${nonce()}` },
  })),
};
