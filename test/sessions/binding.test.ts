import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Agent, createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { writePlaces } from '../support/places.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const chrome = (version: number) =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const edgeOnWindows =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0';
const owner = {
  'user-agent': chrome(140),
  'accept-language': 'vi-VN,vi;q=0.9,en;q=0.8',
  'sec-ch-ua-platform': '"Linux"',
  'x-forwarded-for': '203.0.113.7',
};
const abroad = { 'user-agent': edgeOnWindows, 'accept-language': 'ru', 'x-forwarded-for': '198.51.100.9' };

/** A browser that sends these headers with everything. */
const browserWith = (origin: string, headers: Record<string, string>): Agent => {
  const inner = createAgent(origin);
  const real = globalThis.fetch;
  const sending: typeof fetch = (input, init) =>
    real(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers } });
  const wrap =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      globalThis.fetch = sending;
      try {
        return await call(...args);
      } finally {
        globalThis.fetch = real;
      }
    };
  return { cookies: inner.cookies, open: wrap(inner.open), submit: wrap(inner.submit), request: wrap(inner.request) };
};

const copyOf = (from: Agent, to: Agent, names?: RegExp): Agent => {
  for (const [key, kept] of from.cookies) if (names === undefined || names.test(key)) to.cookies.set(key, { ...kept });
  return to;
};

describe('SE-10 S1 sessions are bound to their browser', function binding() {
  this.timeout(60_000);
  const file = join(mkdtempSync(join(tmpdir(), 'castellan-places-')), 'places.mmdb');
  const stands: Stand[] = [];
  const start = async (env: Record<string, string> = {}): Promise<Stand> => {
    const stand = await startStand({
      env: { TRUST_PROXY: '127.0.0.1,::1', GEOIP_DB: file, ...env },
      bootstrap: { clients: [webClient(client)] },
    });
    stands.push(stand);
    return stand;
  };
  const signedIn = async (stand: Stand): Promise<Agent> => {
    const agent = browserWith(stand.issuer, owner);
    await createFlows(stand.issuer, client, stand.person).code({ scope: 'openid', prompt: 'login consent' }, agent);
    return agent;
  };
  const silent = async (stand: Stand, agent: Agent): Promise<string | null> => {
    const flows = createFlows(stand.issuer, client, stand.person);
    return (await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, agent)).get('error');
  };
  const mismatches = async ({ app, database }: Stand) => {
    await app.rooms.foundation.audit.flush();
    return database.knex('audit_events').where({ type: 'session.device_mismatch' }).orderBy('occurred_at');
  };
  let stand: Stand;
  let agent: Agent;

  before(async () => {
    const at = { latitude: 21, longitude: 105.8 };
    writePlaces(file, [
      { network: '203.0.113', city: 'Hanoi', country: 'Vietnam', code: 'VN', ...at },
      { network: '198.51.100', city: 'Omsk', country: 'Russia', code: 'RU', latitude: 55, longitude: 73.4 },
    ]);
    stand = await start();
    agent = await signedIn(stand);
  });
  after(() => Promise.all(stands.map((one) => one.close())));

  it('A10 tells the place of a session, coarse, and none for an address that is nowhere', async () => {
    const api = createApi(() => stand.issuer);
    const { login: email, password } = stand.person;
    const { json: there } = await api('POST', '/auth/login', { email, password }, undefined, owner);
    const { json: nowhere } = await api('POST', '/auth/login', { email, password }, undefined, { 'x-forwarded-for': '10.0.0.1' });
    const { json } = await api('GET', '/sessions', undefined, there.accessToken);
    const current = json.items.find((item: { current: boolean }) => item.current);
    expect(current).to.include({ place: 'Hanoi, Vietnam', ip: '203.0.113.7', browser: 'Chrome 140', device: 'Computer' });
    const here = (await api('GET', '/sessions', undefined, nowhere.accessToken)).json.items;
    expect(here.find((item: { current: boolean }) => item.current)).to.not.have.property('place');
  });

  it('the owner goes on with a new browser version, another address, another country, other languages', async () => {
    for (const change of [
      { 'user-agent': chrome(152) },
      { 'x-forwarded-for': '203.0.113.99' },
      { 'x-forwarded-for': '198.51.100.20' },
      { 'x-forwarded-for': '192.0.2.1', 'accept-language': 'fr' },
    ]) {
      const later = copyOf(agent, browserWith(stand.issuer, { ...owner, ...change }));
      expect(await silent(stand, later), JSON.stringify(change)).to.equal(null);
    }
  });

  it('who brings all cookies from another platform, country and language has to sign in; the owner is undisturbed', async () => {
    const before = (await mismatches(stand)).length;
    const thief = copyOf(agent, browserWith(stand.issuer, abroad));
    expect(await silent(stand, thief)).to.equal('login_required');
    expect(await silent(stand, thief)).to.equal('login_required');
    expect((await thief.open(`${stand.issuer}/account/sessions`)).body).to.match(/name="password"/);
    expect(await silent(stand, agent)).to.equal(null);
    const found = (await mismatches(stand)).slice(before);
    // The same finding is told once.
    expect(found).to.have.lengthOf(1);
    const { details } = found[0].payload ?? found[0];
    expect(details.response).to.equal('reauthenticate');
    expect(details.signals).to.include.members(['os', 'browser']);
  });

  it('the session’s cookie alone is worth nothing, even with the same browser named', async () => {
    const thief = copyOf(agent, browserWith(stand.issuer, owner), /session/);
    expect(await silent(stand, thief)).to.equal('login_required');
    const forged = copyOf(agent, browserWith(stand.issuer, owner));
    for (const [key, kept] of forged.cookies) if (key.startsWith('castellan_device')) kept.value = 'A'.repeat(43);
    expect(await silent(stand, forged)).to.equal('login_required');
  });

  it('a refresh token of the interface is refused on another platform and stays good on its own', async () => {
    const api = createApi(() => stand.issuer);
    const { login: email, password } = stand.person;
    const { json } = await api('POST', '/auth/login', { email, password }, undefined, owner);
    const refresh = (headers: Record<string, string>, token = json.refreshToken) =>
      api('POST', '/auth/refresh', { refreshToken: token }, undefined, headers);
    expect((await refresh(abroad)).status).to.equal(401);
    const next = await refresh({ ...owner, 'user-agent': chrome(150), 'x-forwarded-for': '203.0.113.200' });
    expect(next.status).to.equal(200);
    expect((await refresh(abroad, next.json.refreshToken)).status).to.equal(401);
    // A program that refreshes for the browser's page is not another platform.
    const program = { 'user-agent': 'node', 'x-forwarded-for': '203.0.113.7' };
    const byProgram = await refresh(program, next.json.refreshToken);
    expect(byProgram.status).to.equal(200);
    // Nor does its silence make the session forget the browser it began in.
    const elsewhere = { ...owner, 'user-agent': edgeOnWindows };
    expect((await refresh(elsewhere, byProgram.json.refreshToken)).status).to.equal(401);
  });

  it('SESSION_BINDING=end ends the session itself; log only notes; off does nothing', async () => {
    const [ending, logging, off] = [
      await start({ SESSION_BINDING: 'end' }),
      await start({ SESSION_BINDING: 'log' }),
      await start({ SESSION_BINDING: 'off' }),
    ];
    const told: Record<string, unknown> = {};
    for (const [name, one] of Object.entries({ ending, logging, off })) {
      const own = await signedIn(one);
      const thief = await silent(one, copyOf(own, browserWith(one.issuer, abroad)));
      const responses = (await mismatches(one)).map(({ details, payload }) => (details ?? payload.details).response);
      told[name] = [thief, await silent(one, own), responses];
    }
    expect(told).to.deep.equal({
      ending: ['login_required', 'login_required', ['ended']],
      logging: [null, null, ['logged']],
      off: [null, null, []],
    });
  });
});
