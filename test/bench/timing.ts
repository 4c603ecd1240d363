/** Times of work within this process, where no server answers. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median } from './measure.ts';

export interface Contestant {
  name: string;
  /** One operation, of the given number. */
  once(index: number): unknown;
}

/** Keeps the compiler from finding out that nobody wants the results. */
const sink: { value: unknown } = { value: undefined };

const timeOne = (once: Contestant['once'], seconds: number): number => {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  let size = 1;
  const started = performance.now();
  for (;;) {
    for (let index = 0; index < size; index += 1) sink.value = once(count + index);
    count += size;
    const now = performance.now();
    if (now >= end) return ((now - started) * 1000) / count;
    if (now - started < 5) size *= 2;
  }
};

/** Microseconds of one operation each, interleaved, the median counts. */
export const timeAll = (contestants: readonly Contestant[], repetitions: number, seconds: number): Map<string, number> => {
  const times = new Map<string, number[]>();
  for (const { once } of contestants) timeOne(once, seconds / 2);
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const { name, once } of contestants) times.set(name, [...(times.get(name) ?? []), timeOne(once, seconds)]);
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
};

const timeOneAsync = async (once: (index: number) => Promise<unknown>, seconds: number): Promise<number> => {
  const started = performance.now();
  let count = 0;
  for (;;) {
    for (let index = 0; index < 8; index += 1) sink.value = await once(count + index);
    count += 8;
    const now = performance.now();
    if (now - started >= seconds * 1000) return ((now - started) * 1000) / count;
  }
};

/** Microseconds of one awaited operation. */
export const timeAsync = async (
  once: (index: number) => Promise<unknown>,
  repetitions: number,
  seconds: number,
): Promise<number> => {
  await timeOneAsync(once, seconds / 2);
  const times: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) times.push(await timeOneAsync(once, seconds));
  return median(times);
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that live after a collection. */
export const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

export const microseconds = (value: number): string => `${value < 10 ? value.toFixed(3) : value.toFixed(0)} µs`;
