import { drive, type Load } from './http.ts';
import { connections, type Scenario, type Session } from './scenarios.ts';

interface Sample extends Load {
  cpuPerRequest: number;
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
};

const sample = async (session: Session, once: (lane: number) => Promise<unknown>, seconds: number): Promise<Sample> => {
  const before = await session.target.usage();
  const load = await drive(once, connections, seconds);
  const after = await session.target.usage();
  return { ...load, cpuPerRequest: (after.cpuSeconds - before.cpuSeconds) / load.requests };
};

export interface Comparison {
  ratio: number;
  /** Of requests a second, however much they spread: CPU time of more than one process is not known. */
  rateRatio: number;
  note: string;
}

const spread = (samples: Sample[]): number => {
  const rates = samples.map(({ perSecond }) => perSecond);
  return Math.max(...rates) / Math.min(...rates);
};

/**
 * Subject ÷ reference in one run: interleaved repetitions, median of throughput; CPU time per request where the spread of either
 * is over 1.5 (PERFORMANCE.md).
 */
export const compare = async (
  scenario: Scenario,
  subject: Session,
  reference: Session,
  { seconds, repetitions }: { seconds: number; repetitions: number },
): Promise<Comparison> => {
  const [onSubject, onReference] = [await scenario.prepare(subject), await scenario.prepare(reference)];
  await drive(onSubject, connections, 0.5);
  await drive(onReference, connections, 0.5);
  const samples: { subject: Sample[]; reference: Sample[] } = { subject: [], reference: [] };
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    samples.subject.push(await sample(subject, onSubject, seconds));
    samples.reference.push(await sample(reference, onReference, seconds));
  }
  const rate = (side: Sample[]): number => median(side.map(({ perSecond }) => perSecond));
  const cpu = (side: Sample[]): number => median(side.map(({ cpuPerRequest }) => cpuPerRequest));
  const rates = `${rate(samples.subject).toFixed(0)}/s against ${rate(samples.reference).toFixed(0)}/s`;
  const rateRatio = rate(samples.subject) / rate(samples.reference);
  const cpuRatio = cpu(samples.reference) / cpu(samples.subject);
  if (Math.max(spread(samples.subject), spread(samples.reference)) > 1.5) {
    return { ratio: cpuRatio, rateRatio, note: `by CPU time, spread over 1.5; ${rates}` };
  }
  // Out of memory, the load generator is slower than either server, and its own rate would be compared.
  if (scenario.isFromMemory) return { ratio: cpuRatio, rateRatio, note: `by CPU time, out of memory; ${rates}` };
  return { ratio: rateRatio, rateRatio, note: `${rates}; CPU ${cpuRatio.toFixed(2)}` };
};
