/**
 * Owns: the Prometheus registry and the metrics that CONTRACT.md names (FEATURES O2). Labels have few values: routes are
 * patterns, never paths; no label holds personal data.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const queryBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5];

interface Tally {
  cache: string;
  count: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

export const createMetrics = () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  let countSessions: (() => Promise<number>) | undefined;
  const httpDuration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: requestBuckets,
    registers,
  });
  const found: Tally[] = [];
  return {
    registry,
    httpDuration,
    /** Told by the durations, which are as many. */
    httpRequests: new Counter({
      name: 'http_requests_total',
      help: 'Requests by status',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
      async collect() {
        this.reset();
        const { values } = await httpDuration.get();
        for (const { metricName, labels, value } of values) {
          if (metricName === 'http_request_duration_seconds_count')
            this.inc(labels as Record<'method' | 'route' | 'status', string>, value);
        }
      },
    }),
    /** Counted when asked for: every process tells the same. */
    activeSessions: new Gauge({
      name: 'active_sessions',
      help: 'Login sessions that have not ended',
      registers,
      async collect() {
        const count = await countSessions?.().catch(() => undefined);
        if (count !== undefined) this.set(count);
      },
    }),
    countSessionsBy: (count: () => Promise<number>): void => {
      countSessions = count;
    },
    cacheHits: new Counter({
      name: 'cache_hits_total',
      help: 'Values found in a cache',
      labelNames: ['cache', 'level'] as const,
      registers,
      collect() {
        for (const tally of found) {
          this.inc({ cache: tally.cache, level: 'l1' }, tally.count);
          tally.count = 0;
        }
      },
    }),
    /** Several times a request: labels are looked up when somebody asks for the numbers. @returns how to count one */
    hitsOf: (cache: string): (() => void) => {
      const tally: Tally = { cache, count: 0 };
      found.push(tally);
      return () => {
        tally.count += 1;
      };
    },
    cacheMisses: new Counter({
      name: 'cache_misses_total',
      help: 'Values a cache had to load',
      labelNames: ['cache'] as const,
      registers,
    }),
    queryDuration: new Histogram({
      name: 'db_query_duration_seconds',
      help: 'Time of a database statement',
      buckets: queryBuckets,
      registers,
    }),
    authenticationAttempts: new Counter({
      name: 'authentication_attempts_total',
      help: 'Attempts to authenticate',
      labelNames: ['method', 'outcome'] as const,
      registers,
    }),
    signInRisk: new Counter({
      name: 'sign_in_risk_total',
      help: 'Proven sign-ins by how risky they were',
      labelNames: ['level'] as const,
      registers,
    }),
    sessionMismatches: new Counter({
      name: 'session_mismatches_total',
      help: 'Sessions that turned up in another browser, by what was done',
      labelNames: ['response'] as const,
      registers,
    }),
    tokensIssued: new Counter({
      name: 'tokens_issued_total',
      help: 'Tokens issued by kind and grant type',
      labelNames: ['kind', 'grant_type'] as const,
      registers,
    }),
    mails: new Counter({
      name: 'mails_total',
      help: 'Mails by what became of them',
      labelNames: ['outcome'] as const,
      registers,
    }),
    texts: new Counter({
      name: 'text_messages_total',
      help: 'Text messages by what became of them',
      labelNames: ['outcome'] as const,
      registers,
    }),
    queueLag: new Gauge({ name: 'queue_lag_seconds', help: 'Age of the oldest outbox entry that is due', registers }),
    auditEventsLost: new Counter({
      name: 'audit_events_lost_total',
      help: 'Buffered audit events that could not be kept',
      registers,
    }),
  };
};
