import { availableParallelism } from 'node:os';
import bcrypt from '@node-rs/bcrypt';
import { createApi } from '../../support/api.ts';
import { createClient, drive, expectStatus } from '../http.ts';
import { median } from '../measure.ts';
import { connections, type Session, scenarios } from '../scenarios.ts';
import { administrator, person } from '../world.ts';
import type { Bench, Result, Row } from './row.ts';

const login = async ({ target }: Session): Promise<void> => {
  const client = createClient(target.origin, 1);
  const answer = await client.send({
    method: 'POST',
    path: '/api/v1/auth/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: person.email, password: person.password }),
  });
  client.close();
  expectStatus(answer, 200, 'login');
};

/** Issue 4: with MFA and risk on. Rules of every kind are asked, and let the person in. */
const withRules = async (session: Session): Promise<Session> => {
  const api = createApi(() => session.target.origin);
  const { accessToken } = (await api('POST', '/auth/login', administrator)).json;
  for (const rule of [
    { scope: 'role', target: 'SUPER_ADMIN', requirement: 'optional' },
    { scope: 'client', target: 'nobody-has-it', requirement: 'required' },
    { scope: 'risk', target: 'high', requirement: 'denied' },
  ]) {
    const { status } = await api('PUT', '/mfa/policies', rule, accessToken);
    if (status !== 200) throw new Error(`a rule of ${rule.scope}: ${status}`);
  }
  return session;
};

/** Runs `work` while `count` logins are always in flight. */
const besides = async <Value>(session: Session, count: number, work: () => Promise<Value>): Promise<Value> => {
  let isOver = false;
  const lanes = Array.from({ length: count }, async () => {
    while (!isOver) await login(session);
  });
  const value = await work();
  isOver = true;
  await Promise.all(lanes);
  return value;
};

/** Row 12: what everybody else feels while people sign in. */
const tail: Row = {
  id: '12',
  run: async (bench: Bench) => {
    const session = await withRules(await bench.castellan('postgres'));
    const once = await scenarios.introspectClient.prepare(session);
    const measure = async (logins: number): Promise<number> => {
      const runs: number[] = [];
      for (let repetition = 0; repetition < bench.repetitions; repetition += 1) {
        runs.push(await besides(session, logins, async () => (await drive(once, 2, bench.seconds)).p99));
      }
      return median(runs);
    };
    const idle = await measure(0);
    const results: Result[] = [];
    for (const logins of [4, 8]) {
      const p99 = await measure(logins);
      const note = `p99 ${p99.toFixed(1)} ms against ${idle.toFixed(1)} ms`;
      results.push({
        row: '12',
        name: `introspection p99 with ${logins} logins ÷ idle`,
        value: p99 / idle,
        floor: 5,
        goal: 1.5,
        atMost: true,
        note,
      });
    }
    return results;
  },
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** Rows 13 and 14: the hash is the floor of a login. */
const cost: Row = {
  id: '13',
  run: async (bench: Bench) => {
    const session = await withRules(await bench.castellan('postgres'));
    const [hashes, logins]: [number[], number[]] = [[], []];
    for (let repetition = 0; repetition < bench.repetitions * 3; repetition += 1) {
      hashes.push(await timed(() => bcrypt.hash(person.password, 12)));
      logins.push(await timed(() => login(session)));
    }
    const [hash, one] = [median(hashes), median(logins)];
    const note = `${one.toFixed(0)} ms against ${hash.toFixed(0)} ms`;
    const { perSecond } = await drive(() => login(session), 4, bench.seconds * 2);
    const possible = availableParallelism() / (hash / 1000);
    return [
      { row: '13', name: 'one login ÷ one idle hash', value: one / hash, floor: 1.25, goal: 1.08, atMost: true, note },
      {
        row: '14',
        name: 'logins/s, 4 in flight ÷ cores/hash',
        value: perSecond / possible,
        floor: 0.5,
        goal: 0.75,
        note: `${perSecond.toFixed(1)}/s`,
      },
    ];
  },
};

/** Row 21. */
const shape: Row = {
  id: '21',
  run: async (bench: Bench) => {
    const once = await scenarios.introspectClient.prepare(await bench.castellan('postgres'));
    const { p50, p99 } = await drive(once, connections, bench.seconds * 2);
    const note = `${p99.toFixed(1)} ms ÷ ${p50.toFixed(1)} ms`;
    return [
      { row: '21', name: 'introspection p99 ÷ p50, 16 connections', value: p99 / p50, floor: 12, goal: 5, atMost: true, note },
    ];
  },
};

export const hashingRows: Row[] = [tail, cost, shape];
