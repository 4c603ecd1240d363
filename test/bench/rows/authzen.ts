/** Rows 17 and 24: a decision over HTTP, and how soon another process knows of a revocation. */
import { callerWith, enforcer, machineToken } from '../../support/callers.ts';
import { startFleet } from '../../support/processes.ts';
import { startRedis } from '../../support/redis.ts';
import { redisAnswers } from '../../support/services.ts';
import { createClient, expectStatus } from '../http.ts';
import { compare } from '../measure.ts';
import { connections, type Scenario, type Session } from '../scenarios.ts';
import { startPlain } from '../targets.ts';
import { person } from '../world.ts';
import type { Bench, Result, Row } from './row.ts';

const json = { 'content-type': 'application/json' };

const credentialsOf = async ({ client, target }: Session): Promise<{ token: string; subject: string }> => {
  const login = { method: 'POST', path: '/api/v1/auth/login', headers: json, body: JSON.stringify(person) } as const;
  const answer = await client.send(login);
  const { user } = JSON.parse(expectStatus(answer, 200, 'login').body) as { user: { id: string } };
  return { token: await machineToken({ issuer: target.origin }), subject: user.id };
};

const evaluation = (isProduct: boolean): Scenario => ({
  name: 'evaluation over HTTP',
  prepare: async (session) => {
    const { token, subject } = isProduct ? await credentialsOf(session) : { token: 'none', subject: 'somebody' };
    const body = JSON.stringify({
      subject: { type: 'user', id: subject },
      action: { name: 'read' },
      resource: { type: 'session', id: 's-1', properties: { ownerId: subject } },
    });
    const headers = { ...json, authorization: `Bearer ${token}` };
    return async () => {
      const answer = await session.client.send({ method: 'POST', path: '/access/v1/evaluation', headers, body });
      if (!expectStatus(answer, 200, 'evaluation').body.includes('"decision":true')) throw new Error(answer.body);
    };
  },
});

const overHttp: Row = {
  id: '17',
  run: async (bench: Bench) => {
    const subject = await bench.castellan('postgres');
    const target = await startPlain();
    const plain: Session = { target, client: createClient(target.origin, connections), cookies: [], refreshTokens: [] };
    // Each side has its own token and subject, so each is prepared by a scenario of its own.
    const scenario: Scenario = {
      name: 'evaluation over HTTP',
      prepare: (session) => evaluation(session === subject).prepare(session),
    };
    const { ratio, note } = await compare(scenario, subject, plain, bench);
    plain.client.close();
    await target.close();
    return [{ row: '17', name: 'decision over HTTP ÷ Koa, router, body parse', value: ratio, floor: 0.3, goal: 0.55, note }];
  },
};

const revocations = 100;

/** From the answer to a revocation on one process to the first refusal by the other, milliseconds, in order. */
const delaysOf = async (redisUrl: string | undefined): Promise<number[]> => {
  const env = { LOG_LEVEL: 'info', ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }) };
  const fleet = await startFleet({ bootstrap: { clients: [enforcer] }, env });
  try {
    const login = async ({ login: email, password }: typeof fleet.person) => {
      const answer = await callerWith(fleet, undefined)('POST', '/auth/login', { email, password });
      return answer.json as { accessToken: string; user: { id: string } };
    };
    const root = callerWith(fleet, (await login(fleet.administrator)).accessToken);
    const { user } = await login(fleet.person);
    const machine = callerWith(fleet, await machineToken(fleet));
    const change = async (method: string, path: string, body?: unknown): Promise<void> => {
      const answer = await root(method, path, body, { 'x-replica': '0' });
      if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.json)}`);
    };
    const question = { subject: { id: user.id }, action: 'carry', resource: { type: 'parcels' } };
    const allows = async (): Promise<boolean> =>
      (await machine('POST', '/authz/check', question, { 'x-replica': '1' })).json.allowed;
    await change('POST', '/rbac/roles', { name: 'courier', permissions: ['parcels:carry:any'], createPermissions: true });
    const delays: number[] = [];
    for (let count = 0; count < revocations; count += 1) {
      await change('POST', `/rbac/users/${user.id}/roles`, { role: 'courier' });
      while (!(await allows()));
      await change('DELETE', `/rbac/users/${user.id}/roles/courier`);
      const revoked = performance.now();
      let asked = revoked;
      while (await allows()) asked = performance.now();
      delays.push(asked - revoked);
    }
    return delays.sort((a, b) => a - b);
  } finally {
    await fleet.close();
  }
};

const visibility: Row = {
  id: '24',
  run: async () => {
    const results: Result[] = [];
    const redis = redisAnswers ? await startRedis() : undefined;
    for (const [name, url, goal] of [
      ['LISTEN/NOTIFY', undefined, 50],
      ['Redis', redis?.url, 20],
    ] as const) {
      if (name === 'Redis' && url === undefined) continue;
      const delays = await delaysOf(url);
      const at = (share: number): number => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? Number.NaN;
      const note = `${revocations} revocations; median ${at(0.5).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms`;
      const bars = { value: at(0.99), floor: 1000, goal, atMost: true };
      results.push({ row: '24', name: `revocation to refusal elsewhere, ms, p99: ${name}`, ...bars, note });
    }
    await redis?.stop();
    redis?.remove();
    return results;
  },
};

export const authzenRows: Row[] = [overHttp, visibility];
