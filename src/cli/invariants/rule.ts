/** One thing that holds after any fault (security-cases §2.1), as a question whose answers are what breaks it. */
export interface Rule {
  /** `N-01` … `N-10`. */
  id: string;
  /** What was found, where something is: "a refresh token of which two came". */
  breach: string;
  /** Rows with one column `found`, which names a row without telling a secret. */
  sql: string;
}

/** The time by our clock. */
export const now = 'cast(:now as timestamptz)';

/** Rows from before the first event that is kept cannot be asked for theirs. */
export const recorded = (created: string): string => `${created} >= (select min(occurred_at) from audit_events)`;

const quoted = (types: string | readonly string[]): string =>
  [types]
    .flat()
    .map((type) => `'${type}'`)
    .join(', ');

export const eventFor = (types: string | readonly string[], condition: string): string =>
  `exists (select 1 from audit_events e where e.type in (${quoted(types)}) and e.outcome = 'success' and ${condition})`;
