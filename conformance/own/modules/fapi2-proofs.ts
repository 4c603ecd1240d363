import assert from 'node:assert/strict';
import { exportJWK } from 'jose';
import { createSigningKey, nonce, seconds } from '../client.ts';
import { type Changes, dpopProof, Fapi } from '../fapi.ts';
import { send } from '../http.ts';
import type { Module } from '../run.ts';
import { pushRefused, succeeds, thumbprint } from './fapi2-steps.ts';

/** RFC 9449 in FAPI 2.0 */
export const proofModules: Record<string, Module> = {
  'check-dpop-proof-nbf-exp': async (run) => {
    const now = seconds();
    await succeeds({}, { proof: { claims: { nbf: now, exp: now + 60 } } })(run);
  },
  'ensure-dpopproof-with-iat-10seconds-before-succeeds': async (run) =>
    succeeds({}, { proof: { claims: { iat: seconds() - 10 } } })(run),
  'ensure-dpopproof-with-iat-10seconds-after-succeeds': async (run) =>
    succeeds({}, { proof: { claims: { iat: seconds() + 10 } } })(run),
  'ensure-mismatched-dpop-jkt-fails': pushRefused(['invalid_request', 'invalid_dpop_proof', 'invalid_request_object'], {
    dpop_jkt: 'pCG5HRZLOIyZb8J9xv5yk7vFaYFbXyq9ZwYqzCcW2hg',
  }),
  'ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt': async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    fapi.dpopKey = await createSigningKey('ES256');
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']);
  },
  'ensure-token-endpoint-fails-with-mismatched-dpop-jkt': async (run) => {
    const fapi = await Fapi.create(run);
    const jkt = await thumbprint(fapi);
    const authorized = await fapi.code({ dpop_jkt: jkt }, { changes: { proof: null } });
    fapi.dpopKey = await createSigningKey('ES256');
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']);
  },
  'ensure-dpopproof-at-par-endpoint-binding-success': succeeds({}),
  'ensure-dpop-auth-code-binding-success': async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.happy({ dpop_jkt: await thumbprint(fapi) });
  },
  'dpop-negative-tests': async (run) => {
    const fapi = await Fapi.create(run);
    const { tokens } = await fapi.happy();
    const token = tokens.access_token;
    const other = await createSigningKey('ES256');
    const { privateKey } = await createSigningKey('ES256');
    const bad: Record<string, Changes & { scheme?: string }> = {
      'missing typ': { proof: { header: { typ: undefined } } },
      'wrong typ': { proof: { header: { typ: 'jwt' } } },
      'missing jwk': { proof: { header: { jwk: undefined } } },
      'private key in jwk': { proof: { header: { jwk: await exportJWK(privateKey) } } },
      'missing jti': { proof: { claims: { jti: undefined } } },
      'missing htm': { proof: { claims: { htm: undefined } } },
      'wrong htm': { proof: { claims: { htm: 'POST' } } },
      'missing htu': { proof: { claims: { htu: undefined } } },
      'wrong htu': { proof: { claims: { htu: 'https://other.example.test/' } } },
      'missing iat': { proof: { claims: { iat: undefined } } },
      'iat an hour ago': { proof: { claims: { iat: seconds() - 3600 } } },
      'iat in an hour': { proof: { claims: { iat: seconds() + 3600 } } },
      'missing ath': { proof: { claims: { ath: undefined } } },
      'wrong ath': { proof: { claims: { ath: 'pCG5HRZLOIyZb8J9xv5yk7vFaYFbXyq9ZwYqzCcW2hg' } } },
      'bad signature': { proof: { key: other } },
      'no proof': { proof: null },
      'as Bearer': { proof: null, scheme: 'Bearer' },
    };
    for (const [name, changes] of Object.entries(bad)) {
      const { status } = await fapi.resource(token, changes);
      assert(status === 400 || status === 401, `${name} is refused: ${status}`);
    }
    const key = fapi.dpopKey;
    fapi.dpopKey = other;
    assert([400, 401].includes((await fapi.resource(token)).status), 'another key is refused');
    fapi.dpopKey = key;
    const url = run.endpoint('userinfo_endpoint');
    const proofs = [await dpopProof(key, 'GET', url, {}, String(token)), await dpopProof(key, 'GET', url, {}, String(token))];
    const twice = await send(url, { headers: { authorization: `DPoP ${token}`, dpop: proofs } });
    assert([400, 401].includes(twice.status), 'two proofs are refused');
    for (const changes of [{ proof: { claims: { htu: `${url}?a=b` } } }, { proof: { claims: { extra: 'claim' } } }]) {
      const answer = await fapi.resource(token, changes);
      if (answer.status !== 200) run.warn(`a harmless variation is refused: ${JSON.stringify(changes)}`);
    }
    const jti = nonce();
    await fapi.resource(token, { proof: { claims: { jti } } });
    if ((await fapi.resource(token, { proof: { claims: { jti } } })).status === 200) run.warn('a proof can be replayed');
  },
};
