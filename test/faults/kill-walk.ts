/** F-11: a flow is killed before and after each of its statements in turn, started again, looked at, and finished or repeated. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mortal } from '../support/mortal.ts';

export interface KilledFlow {
  name: string;
  /** What goes before and is not killed. @returns what the flow is done with */
  prepare(mortal: Mortal): Promise<Context>;
  /** Done when all that belongs to it is. Throws when the process dies under it. */
  run(context: Context): Promise<void>;
  /** Finishes or repeats the flow after a kill. Throws where a person or an application could not. */
  again(context: Context): Promise<void>;
  /** By how much the clock goes on with each start: what a dead process had leased is free then. */
  secondsPerStart?: number;
}
export type Context = Record<string, string>;

export interface Strike {
  flow: string;
  when: 'before' | 'after';
  statement: number;
}

export interface StrikeResult extends Strike {
  /** False: the flow has fewer statements. */
  killed: boolean;
  /** Invariants that did not hold, and what could not be repeated. */
  problems: string[];
}

export const wordsOf = ({ flow, when, statement }: Strike): string => `${flow}, killed ${when} statement ${statement}`;

let starts = 0;

/** One kill. The process runs before and, with everything in order, afterwards. */
export const strike = async (
  mortal: Mortal,
  flow: KilledFlow,
  when: Strike['when'],
  statement: number,
): Promise<StrikeResult> => {
  const about = { flow: flow.name, when, statement };
  await mortal.calm();
  const context = await flow.prepare(mortal);
  await mortal.arm(statement, when);
  const failure = await flow.run(context).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && mortal.isAlive()) await Promise.race([mortal.death(), sleep(3000)]);
  if (mortal.isAlive()) {
    // A statement of the flow may still be on its way: what dies now died of it.
    await mortal.arm(Number.MAX_SAFE_INTEGER, when).catch(() => mortal.death());
  }
  if (mortal.isAlive()) {
    const problems = failure === undefined ? [] : [`failed without being killed: ${String(failure)}`];
    return { ...about, killed: false, problems };
  }
  starts += 1;
  const problems = await mortal.start(starts * (flow.secondsPerStart ?? 0));
  const repeat = await flow.again(context).then(
    () => [],
    (error: unknown) => [`could not be repeated: ${error instanceof Error ? error.message : error}`],
  );
  return { ...about, killed: true, problems: [...problems, ...repeat, ...(await mortal.invariants())] };
};

/** Every statement of the flow in turn, until it has no more. */
export async function* walk(mortal: Mortal, flow: KilledFlow): AsyncGenerator<StrikeResult> {
  for (const when of ['before', 'after'] as const) {
    for (let statement = 1; ; statement += 1) {
      const result = await strike(mortal, flow, when, statement);
      if (!result.killed && result.problems.length === 0) break;
      yield result;
    }
  }
}

/** Some of its statements, as `random` chooses. */
export async function* sample(
  mortal: Mortal,
  flow: KilledFlow,
  strikes: number,
  random: () => number,
): AsyncGenerator<StrikeResult> {
  const context = await flow.prepare(mortal);
  await mortal.arm(Number.MAX_SAFE_INTEGER, 'before');
  await flow.run(context);
  const statements = await mortal.count();
  for (let count = 0; count < strikes; count += 1) {
    yield await strike(mortal, flow, random() < 0.5 ? 'before' : 'after', 1 + Math.floor(random() * statements));
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const anySeed = (): number => Math.floor(Math.random() * 2 ** 31);
