/** Flows of F-11 that are about who somebody is. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import type { Mortal } from '../support/mortal.ts';
import { type OidcStandIn, upstreamClient } from '../support/upstreams.ts';
import type { KilledFlow } from './kill-walk.ts';

const password = 'a grey heron at the weir';
const fresh = (): string => randomBytes(6).toString('hex');

export const socialSettings = ({ url }: OidcStandIn): Record<string, string> => ({
  SOCIAL_GOOGLE_CLIENT_ID: upstreamClient.id,
  SOCIAL_GOOGLE_CLIENT_SECRET: upstreamClient.secret,
  SOCIAL_GOOGLE_BASE_URL: url,
  OUTBOUND_ALLOW: '127.0.0.1',
});

export const authenticationFlows = (mortal: Mortal, google: OidcStandIn): KilledFlow[] => {
  const api = createApi(() => mortal.issuer);

  /** To Google and back in a browser. @returns who is signed in */
  const byGoogle = async (sub: string, email: string): Promise<{ id: string; email: string }> => {
    google.person = { sub, email, email_verified: true, name: 'Somebody' };
    const agent = createAgent(mortal.issuer);
    const accept = { headers: { accept: '*/*' } };
    const away = (await agent.request(`${mortal.issuer}/api/v1/auth/social/google`, accept)).headers.get('location') ?? '';
    const back = (await fetch(away, { redirect: 'manual' })).headers.get('location') ?? '';
    const { status, body } = await agent.request(back, accept);
    expect(status, body).to.equal(200);
    return JSON.parse(body).user;
  };
  const socialLink: KilledFlow = {
    name: 'social-link',
    prepare: async () => ({ sub: fresh(), email: `${fresh()}@gmail.com` }),
    run: async ({ sub = '', email = '' }) => void (await byGoogle(sub, email)),
    again: async ({ sub = '', email = '' }) => {
      const first = await byGoogle(sub, email);
      expect(first.email).to.equal(email);
      expect((await byGoogle(sub, email)).id, 'one account').to.equal(first.id);
    },
  };

  const login = (email: string) => api('POST', '/auth/login', { email, password });
  const enrolment: KilledFlow = {
    name: 'factor-enrolment',
    prepare: async () => {
      const email = `${fresh()}@example.test`;
      await api('POST', '/auth/register', { email, password });
      const { accessToken } = (await login(email)).json;
      const { deviceId, secret } = (await api('POST', '/mfa/totp/enable', {}, accessToken)).json;
      return { email, accessToken, deviceId, secret };
    },
    run: async ({ accessToken, deviceId, secret = '' }) => {
      const code = codeAt(secret, stepAt(mortal.now()));
      const { status } = await api('POST', '/mfa/totp/verify', { deviceId, code }, accessToken);
      expect(status).to.equal(200);
    },
    again: async ({ email = '', accessToken, deviceId, secret = '' }) => {
      const next = codeAt(secret, stepAt(mortal.now()) + 1);
      const repeated = await api('POST', '/mfa/totp/verify', { deviceId, code: next }, accessToken);
      // Done before, with its recovery codes, or done now.
      if (repeated.status !== 200) expect(repeated.status, JSON.stringify(repeated.json)).to.be.oneOf([401, 404, 409]);
      const asked = (await login(email)).json;
      expect(asked, 'asked for from now on').to.deep.include({ mfaRequired: true, methods: ['totp', 'recovery'] });
    },
  };
  return [socialLink, enrolment];
};
