/** Results as the official suite names them. REVIEW: a page was shown where one is wanted, which there a person looks at. */
export type Result = 'PASSED' | 'WARNING' | 'REVIEW' | 'SKIPPED' | 'FAILED';

export interface Outcome {
  plan: string;
  module: string;
  variant: Record<string, string>;
  result: Result;
  /** Why it is not simply passed. */
  notes: string[];
  /** Where the module stopped, for a failure. */
  error?: unknown;
}

/** Thrown by a module that cannot be run here; the reason names the missing feature. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}
