import assert from 'node:assert/strict';
import { Ciba, type CibaChanges } from '../ciba.ts';
import { seconds, sharedSigningKey } from '../client.ts';
import type { Module, Run } from '../run.ts';

const prefix = 'fapi-ciba-id1-';
const clientErrors = ['invalid_client', 'invalid_request', 'unauthorized_client'];
const objectErrors = ['invalid_request', 'invalid_request_object'];

const succeeds =
  (over: Record<string, string> = {}, changes: CibaChanges = {}): Module =>
  async (run) => {
    await Ciba.create(run).happy(over, changes);
  };

const askRefused =
  (
    codes: string[],
    over: Record<string, string | undefined>,
    changes: CibaChanges | ((run: Run) => CibaChanges | Promise<CibaChanges>) = {},
  ): Module =>
  async (run) => {
    const ciba = Ciba.create(run);
    ciba.refused(await ciba.ask(over, typeof changes === 'function' ? await changes(run) : changes), codes);
  };

const objectRefused = (claims: () => Record<string, unknown>): Module =>
  askRefused(objectErrors, {}, () => ({ object: { claims: claims() } }));

const tokenRefused =
  (codes: string[], changes: (run: Run) => CibaChanges | Promise<CibaChanges>): Module =>
  async (run) => {
    const ciba = Ciba.create(run);
    const id = await ciba.asked();
    await ciba.answer(id);
    ciba.refused(await ciba.token(id, await changes(run)), codes);
  };

const otherId = (run: Run): CibaChanges => ({ fields: { client_id: Ciba.create(run, 2).client.clientId } });
const weak = async (): Promise<CibaChanges> => ({ assertion: { key: await sharedSigningKey('RS256', 'weak') } });

/** The client's answer to the ping does not keep it from its tokens, and is not asked for twice where it refused. */
const pingAnswered =
  (status: number, body = ''): Module =>
  async (run) => {
    const ciba = Ciba.create(run);
    const inbox = run.target.notifications(ciba.client.clientId);
    inbox.answer(status, body);
    try {
      const before = inbox.deliveries.length;
      const id = await ciba.asked();
      await ciba.answer(id);
      for (let wait = 0; wait < 100 && inbox.deliveries.length === before; wait += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(inbox.deliveries.length - before, 1, 'the client is called once');
      assert.equal((await ciba.token(id)).status, 200, 'the client may still come for its tokens');
      assert.equal(inbox.deliveries.length - before, 1, 'and is not called again');
    } finally {
      inbox.answer(204);
    }
  };

const modules: Record<string, Module> = {
  'discovery-end-point-verification': async (run) => {
    assert.match(run.endpoint('backchannel_authentication_endpoint'), /^https:/);
    assert(run.lists('backchannel_token_delivery_modes_supported', run.variant.ciba_mode ?? ''));
    assert(run.lists('grant_types_supported', 'urn:openid:params:grant-type:ciba'));
    assert(run.lists('backchannel_authentication_request_signing_alg_values_supported', 'PS256'));
    assert.notEqual(run.op.backchannel_user_code_parameter_supported, true);
    assert.equal(run.op.tls_client_certificate_bound_access_tokens, true);
  },
  'user-rejects-authentication': async (run) => {
    const ciba = Ciba.create(run);
    const id = await ciba.asked();
    await ciba.answer(id, 'deny');
    ciba.refused(await ciba.token(id), ['access_denied']);
  },
  'multiple-call-to-token-endpoint': async (run) => {
    const ciba = Ciba.create(run);
    const id = await ciba.asked();
    for (let call = 0; call < 5; call += 1) {
      ciba.refused(await ciba.token(id), ['authorization_pending', 'slow_down'], [400, 503]);
    }
  },
  'auth-req-id-expired': async (run) => {
    const ciba = Ciba.create(run);
    const id = await ciba.asked({ requested_expiry: '10' });
    run.later(16);
    ciba.refused(await ciba.token(id), ['expired_token']);
  },
  'ensure-authorization-request-with-binding-message-succeeds': succeeds({ binding_message: '1234' }),
  'ensure-other-scope-order-succeeds': succeeds({ scope: 'email openid' }),
  'ensure-requested-expiry-as-string-succeeds': succeeds({ requested_expiry: '30' }),
  'ensure-authorization-request-with-potentially-bad-binding-message': askRefused(['invalid_binding_message'], {
    binding_message:
      '1234 \u{1f44d}\u{1f3ff} 品川 Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.',
  }),
  'ensure-request-object-missing-aud-fails': objectRefused(() => ({ aud: undefined })),
  'ensure-request-object-bad-aud-fails': objectRefused(() => ({ aud: 'https://other.example.test' })),
  'ensure-request-object-missing-iss-fails': objectRefused(() => ({ iss: undefined })),
  'ensure-request-object-bad-iss-fails': askRefused(objectErrors, {}, (run) => ({
    object: { claims: { iss: Ciba.create(run, 2).client.clientId } },
  })),
  'ensure-request-object-missing-exp-fails': objectRefused(() => ({ exp: undefined })),
  'ensure-request-object-expired-exp-fails': objectRefused(() => ({ exp: seconds() - 300 })),
  'ensure-request-object-exp-is-70-minutes-in-future-fails': objectRefused(() => ({ exp: seconds() + 70 * 60 })),
  'ensure-request-object-missing-iat-fails': objectRefused(() => ({ iat: undefined })),
  'ensure-request-object-missing-nbf-fails': objectRefused(() => ({ nbf: undefined })),
  'ensure-request-object-nbf-is-10-minutes-in-future-fails': objectRefused(() => ({ nbf: seconds() + 600 })),
  'ensure-request-object-nbf-is-70-minutes-in-past-fails': objectRefused(() => ({ nbf: seconds() - 70 * 60 })),
  'ensure-request-object-missing-jti-fails': objectRefused(() => ({ jti: undefined })),
  'ensure-request-object-signature-algorithm-is-none-fails': askRefused(
    objectErrors,
    {},
    {
      object: { raw: (object) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${object.split('.')[1]}.` },
    },
  ),
  'ensure-request-object-signature-algorithm-is-bad-fails': askRefused(
    objectErrors,
    {},
    {
      object: { raw: (object) => `${object.slice(0, object.lastIndexOf('.') + 1)}${'A'.repeat(342)}` },
    },
  ),
  'ensure-request-object-signature-algorithm-is-RS256-fails': askRefused(objectErrors, {}, async () => ({
    object: { key: await sharedSigningKey('RS256', 'weak') },
  })),
  'ensure-request-object-signed-by-other-client-fails': askRefused(objectErrors, {}, (run) => ({
    object: { key: Ciba.create(run, 2).client.key },
  })),
  'ensure-authorization-request-with-multiple-hints-fails': askRefused(['invalid_request'], { id_token_hint: 'a.b.c' }),
  'ensure-wrong-auth-req-id-in-token-endpoint-request': async (run) => {
    const [one, two] = [Ciba.create(run), Ciba.create(run, 2)];
    const id = await one.asked();
    await one.answer(id);
    two.refused(await two.token(id), ['invalid_grant']);
  },
  'ensure-different-client-id-and-issuer-in-backchannel-authorization-request': askRefused(
    [...objectErrors, ...clientErrors],
    {},
    otherId,
  ),
  'ensure-wrong-client-id-in-token-endpoint-request': tokenRefused([...clientErrors, 'invalid_grant'], otherId),
  'ensure-wrong-client-id-in-backchannel-authorization-request': askRefused([...objectErrors, ...clientErrors], {}, otherId),
  'ensure-without-client-assertion-in-token-endpoint-request': tokenRefused(clientErrors, () => ({ assertion: null })),
  'ensure-without-client-assertion-in-backchannel-authorization-request': askRefused(clientErrors, {}, { assertion: null }),
  'ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails': askRefused(
    clientErrors,
    {},
    weak,
  ),
  'ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails': tokenRefused(clientErrors, weak),
  'ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds': async (run) => {
    const ciba = Ciba.create(run);
    const answer = await ciba.token(await ciba.asked(), { assertion: { audience: run.target.issuer } });
    ciba.refused(answer, ['authorization_pending', 'slow_down']);
  },
  'ping-backchannel-notification-endpoint-response-has-body': pingAnswered(200, '{"ignored":true}'),
  'ping-backchannel-notification-endpoint-response-401': pingAnswered(401),
  'ping-backchannel-notification-endpoint-response-403': pingAnswered(403),
  'ping-with-mtls-ciba-notification-endpoint-response-401-and-require-server-does-not-retry': pingAnswered(401),
  'ping-backchannel-notification-endpoint-return-redirect-request': pingAnswered(301),
  'ensure-unsigned-backchannel-authorization-request-fails': askRefused(objectErrors, {}, { object: null }),
  'refresh-token': async (run) => {
    const offline = { scope: 'openid offline_access' };
    const [one, two] = [Ciba.create(run), Ciba.create(run, 2)];
    const [tokens, other] = [await one.happy(offline), await two.happy(offline)];
    if (tokens.refresh_token === undefined) run.skip('no refresh token is issued');
    const answer = await one.refresh(tokens.refresh_token);
    assert.equal(answer.status, 200, answer.body);
    assert.equal((await one.resource(answer.json.access_token)).status, 200);
    one.refused(await one.refresh(other.refresh_token), ['invalid_grant']);
  },
  'ensure-mtls-holder-of-key-required': tokenRefused(['invalid_grant', ...clientErrors], () => ({ tls: null })),
};

export const cibaModules: Record<string, Module> = {
  'fapi-ciba-id1': async (run) => {
    for (const which of [1, 2] as const) {
      const ciba = Ciba.create(run, which);
      const tokens = await ciba.happy();
      assert.equal((await ciba.resource(tokens.access_token, Ciba.create(run, which === 1 ? 2 : 1).client.tls)).status, 401);
    }
  },
  ...Object.fromEntries(Object.entries(modules).map(([name, module]) => [`${prefix}${name}`, module])),
};
