import assert from 'node:assert/strict';
import { calculateJwkThumbprint } from 'jose';
import { nonce, sharedSigningKey } from '../client.ts';
import { type Changes, Fapi } from '../fapi.ts';
import type { Module, Parameters, Run } from '../run.ts';

export const requestErrors = ['invalid_request', 'invalid_request_object'];
export const clientErrors = ['invalid_client', 'invalid_request'];
export const objectErrors = ['invalid_request_object', 'invalid_request_uri', 'invalid_request'];

export const notHere = (ecosystem: string): Module => {
  return async (run) => run.skip(`only for ${ecosystem}, which plain_fapi drops`);
};

export const succeeds =
  (over: Parameters | (() => Parameters), changes: Changes = {}): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.happy(typeof over === 'function' ? over() : over, changes);
  };

/** The pushed request, or what follows from it, is refused. */
export const pushRefused =
  (
    codes: string[],
    over: Parameters | (() => Parameters),
    changes: Changes | ((run: Run) => Changes | Promise<Changes>) = {},
  ): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const given = typeof changes === 'function' ? await changes(run) : changes;
    await fapi.refused(await fapi.push(typeof over === 'function' ? over() : over, given), codes);
  };

/** The token request is refused with the given changes. */
export const tokenRefused =
  (codes: string[], changes: Changes | ((fapi: Fapi) => Changes | Promise<Changes>), statuses = [400, 401]): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    const given = typeof changes === 'function' ? await changes(fapi) : changes;
    run.tokenRefused(await fapi.redeem(authorized, given), codes, statuses);
  };

export const verifierRefused =
  (verifier: string | undefined): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    run.tokenRefused(await fapi.token({ ...fapi.codeFields(authorized), code_verifier: verifier }), ['invalid_grant']);
  };

/** Beside `request_uri` the authorization URL says something else: what was pushed counts. */
export const outside =
  (extra: (parameter: string) => Parameters, over: Parameters = {}): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const pushed = await fapi.push(over);
    const visit = await run.browser().visit(fapi.authorizationUrl(pushed.answer.json.request_uri, extra(nonce())));
    const response = await fapi.response(visit);
    if (!response) return run.errorPage(visit);
    if (response.get('error')) return assert(requestErrors.includes(response.get('error') ?? ''));
    assert.equal(response.get('state') ?? undefined, pushed.parameters.state, 'the pushed state counts');
    const tokens = await fapi.tokens({ ...pushed, code: response.get('code') ?? '' });
    assert.equal((await fapi.idToken(tokens.id_token)).nonce, pushed.parameters.nonce, 'the pushed nonce counts');
  };

export const rs256 = (): Promise<Changes> => sharedSigningKey('RS256', 'weak').then((key) => ({ assertion: { key } }));

export const thumbprint = (fapi: Fapi): Promise<string> => calculateJwkThumbprint(fapi.dpopKey.publicJwk);
