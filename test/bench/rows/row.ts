import type { Session } from '../scenarios.ts';

/** What the bench holds open for all rows: each target is started once and filled before it is measured. */
export interface Bench {
  r0(): Promise<Session>;
  rn(): Promise<Session>;
  castellan(engine: 'embedded' | 'postgres', workers?: number): Promise<Session>;
  /** The product on PostgreSQL, with its audit events or writing none: both started for this alone, so that both are as warm. */
  auditing(isAudited: boolean): Promise<Session>;
  seconds: number;
  repetitions: number;
}

export interface Result {
  row: string;
  name: string;
  /** Ratio to the reference; bigger is better unless `atMost`. */
  value: number;
  floor: number;
  goal: number;
  atMost?: boolean;
  note: string;
}

export interface Row {
  id: string;
  run(bench: Bench): Promise<Result[]>;
}
