import { createHash, randomBytes } from 'node:crypto';
import { createApi } from '../../support/api.ts';
import { type Stand, startStand } from '../../support/stand.ts';
import { median } from '../measure.ts';
import type { Bench, Result, Row } from './row.ts';

/** Questions of one endpoint that must take the same time; the first is the one about nobody. */
interface Comparison {
  name: string;
  status: number;
  path: string;
  kinds: Record<string, () => unknown>;
}

const password = 'a-quiet-harbor-at-dawn-41';
const foreign = `{SHA}${createHash('sha1').update(password).digest('base64')}`;

/** PW-05: 5 ms or 5 %. */
const allowedMs = (reference: number): number => Math.max(5, reference * 0.05);

/** Mann-Whitney U of two samples, as the z of its normal approximation: whether one of them tends to be larger. */
const zOf = (one: readonly number[], other: readonly number[]): number => {
  const wins = one.reduce((sum, a) => sum + other.reduce((won, b) => won + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0);
  const [n, m] = [one.length, other.length];
  return (wins - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
};

const shuffled = <Value>(values: readonly Value[]): Value[] =>
  values
    .map((value) => [Math.random(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);

/** Accounts in every state that a stranger must not tell from none. */
const people = async ({ app, database }: Stand) => {
  const { accounts, authn } = app.rooms;
  const hash = await authn.hashPassword(password);
  const make = (name: string, passwordHash: string | undefined) =>
    accounts.create({ email: `${name}@example.test`, emailVerified: true, passwordHash, claims: {}, source: 'operator' });
  await make('known', hash);
  const disabled = await make('disabled', hash);
  await make('passwordless', undefined);
  await make('foreign', authn.foreignHash(foreign));
  await database.knex('users').where({ id: disabled }).update({ status: 'deactivated' });
};

const nobody = (): string => `${randomBytes(8).toString('hex')}@example.test`;
const wrong = (email: string) => () => ({ email, password: 'not-the-right-one-57' });
const comparisons: Comparison[] = [
  {
    name: 'sign-in',
    status: 401,
    path: '/auth/login',
    kinds: {
      unknown: () => wrong(nobody())(),
      wrong: wrong('known@example.test'),
      disabled: () => ({ email: 'disabled@example.test', password }),
      'without a password': wrong('passwordless@example.test'),
      'with a foreign hash': wrong('foreign@example.test'),
    },
  },
  {
    name: 'forgotten password',
    status: 202,
    path: '/auth/forgot-password',
    kinds: {
      unknown: () => ({ email: nobody() }),
      known: () => ({ email: 'known@example.test' }),
      disabled: () => ({ email: 'disabled@example.test' }),
    },
  },
];

const compare = async (stand: Stand, { name, status, path, kinds }: Comparison, rounds: number): Promise<Result[]> => {
  const api = createApi(() => stand.issuer);
  const names = Object.keys(kinds);
  const times = new Map<string, number[]>(names.map((kind) => [kind, []]));
  for (let round = 0; round < rounds + 3; round += 1) {
    for (const kind of shuffled(names)) {
      await stand.database.knex('failure_counters').del();
      const started = performance.now();
      const answer = await api('POST', path, kinds[kind]?.());
      const took = performance.now() - started;
      if (answer.status !== status) throw new Error(`${name}, ${kind}: ${answer.status}`);
      // The first rounds warm everything up.
      if (round >= 3) times.get(kind)?.push(took);
    }
  }
  const [reference = [], ...others] = [...times.values()];
  const middle = median(reference);
  const distance = Math.max(...others.map((one) => Math.abs(median(one) - middle))) / allowedMs(middle);
  const z = Math.max(...others.map((one) => Math.abs(zOf(one, reference))));
  const note = [...times].map(([kind, one]) => `${kind} ${median(one).toFixed(1)} ms`).join(', ');
  const about = { row: 'PW-05', atMost: true } as const;
  return [
    { ...about, name: `${name}: distance of medians ÷ max(5 ms, 5 %)`, value: distance, floor: 1, goal: 0.5, note },
    { ...about, name: `${name}: largest |z| (Mann-Whitney)`, value: z, floor: 3.3, goal: 2, note: `${rounds} of each kind` },
  ];
};

/** Whether anybody has an account cannot be told by the time of an answer. */
const enumeration: Row = {
  id: 'PW-05',
  run: async (bench: Bench) => {
    const stand = await startStand({ engine: 'postgres', passwordCost: 12 });
    try {
      await people(stand);
      const results: Result[] = [];
      for (const comparison of comparisons) results.push(...(await compare(stand, comparison, bench.repetitions * 20)));
      return results;
    } finally {
      await stand.close();
    }
  },
};

export const enumerationRows: Row[] = [enumeration];
