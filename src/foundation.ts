/**
 * What every room stands on, whether the service listens or a command runs: database, keys, audit, outbox, caches, jobs, metrics.
 */
import { type Audit, createAudit } from './audit/index.ts';
import { type Caches, createCaches } from './platform/cache/index.ts';
import type { Config } from './platform/config/index.ts';
import { createEnvelope, type Envelope, indexKeyOf, loadMasterKeys } from './platform/crypto/index.ts';
import { type Database, isRestored, keptIndexKey, openDatabase } from './platform/db/index.ts';
import { createOutbox, type OutboxRelay } from './platform/events/index.ts';
import { openPlaces, type Places } from './platform/geo/index.ts';
import type { HealthProbe } from './platform/http/index.ts';
import { createJobs, type Jobs, registerUpkeep } from './platform/jobs/index.ts';
import { createLogger, type Logger } from './platform/logging/index.ts';
import { createMetrics, type Metrics } from './platform/metrics/index.ts';
import { createOutbound, type Outbound } from './platform/outbound/index.ts';
import type { AuditSink, AuditStatement, Clock, Outbox } from './platform/ports.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface Foundation {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  database: Database;
  envelope: Envelope;
  outbound: Outbound;
  /** Where addresses are (`GEOIP_DB`). */
  places: Places;
  audit: Audit;
  outbox: OutboxRelay;
  caches: Caches;
  jobs: Jobs;
  /** Audit and outbox bound to a transaction. */
  sinks: { audit(trx: Transaction): AuditSink; auditStatement: AuditStatement; outbox(trx: Transaction): Outbox };
  probes: readonly HealthProbe[];
  /** Background work: called once every room has declared its jobs and subscriptions. */
  start(): Promise<void>;
  /** In the order in which work ends: nothing new is taken, what is under way finishes, buffers are written out. */
  close(): Promise<void>;
}

export interface FoundationOptions {
  clock?: Clock | undefined;
  /** Opened by the caller (tests). */
  database?: Database | undefined;
  /** Of bcrypt, for tests that sign in often; 12 where absent. */
  passwordCost?: number | undefined;
}

const systemClock: Clock = { now: () => new Date() };

const openEnvelope = async (config: Config, database: Database): Promise<Envelope> => {
  const isFresh = (await database.knex('signing_keys').first('kid')) === undefined;
  const masterKeys = loadMasterKeys(config.masterKeys, config.dataDir, isFresh);
  return createEnvelope(masterKeys, await keptIndexKey(database, createEnvelope(masterKeys), indexKeyOf(masterKeys)));
};

export const openFoundation = async (
  config: Config,
  { clock = systemClock, database: given }: FoundationOptions = {},
): Promise<Foundation> => {
  const logger = createLogger(config.logLevel);
  const places = await openPlaces(config.geoipDb);
  const { databaseUrl, dataDir, databasePoolMax: poolMax } = config;
  const database = given ?? (await openDatabase({ databaseUrl, dataDir, poolMax }));
  const metrics = createMetrics();
  database.onStatement(({ durationSeconds }) => metrics.queryDuration.observe(durationSeconds));
  const envelope = await openEnvelope(config, database).catch(async (error: unknown) => {
    // Left open, it would keep the process and its directory.
    await database.close();
    throw error;
  });
  const outbound = createOutbound({
    config,
    clock,
    onRefused: ({ host }) => logger.warn({ host }, 'an outbound call was refused'),
  });
  const lost = (count: number): void => {
    metrics.auditEventsLost.inc(count);
    logger.error({ count }, 'audit events were lost');
  };
  const audit = createAudit({ database, clock, logger, lost });
  const outbox = createOutbox({ database, envelope, clock, logger, lag: (seconds) => metrics.queueLag.set(seconds) });
  const caches = createCaches({ database, redisUrls: config.redisUrls, envelope, clock, logger, metrics });
  const jobs = createJobs({ database, clock, logger });
  registerUpkeep({ jobs, database, clock, outbox });

  const checkDatabase = async () => {
    await database.knex.raw('select 1');
    return { status: 'ok' as const };
  };
  const checkStorage = async () =>
    database.isStorageShort()
      ? { status: 'down' as const, detail: 'the disk is full or read-only: writes are refused' }
      : { status: 'ok' as const };
  // F-21: a database out of a backup knows nothing of what was revoked since.
  const checkRestore = async () =>
    (await isRestored(database.knex))
      ? { status: 'down' as const, detail: 'restored from a backup: run castellan doctor --after-restore' }
      : { status: 'ok' as const };
  return {
    config,
    clock,
    logger,
    metrics,
    database,
    envelope,
    outbound,
    places,
    audit,
    outbox,
    caches,
    jobs,
    sinks: { audit: (trx) => audit.in(trx), auditStatement: audit.statement, outbox: (trx) => outbox.in(trx) },
    probes: [
      { name: 'database', essential: true, check: checkDatabase },
      { name: 'storage', essential: true, check: checkStorage },
      { name: 'cache', essential: false, check: caches.checkCache },
      { name: 'bus', essential: false, check: caches.checkBus },
      { name: 'jobs', essential: false, check: jobs.check },
      { name: 'restore', essential: true, check: checkRestore },
    ],
    start: async () => {
      await caches.start();
      await outbox.start();
      await jobs.start();
    },
    close: async () => {
      await Promise.all([jobs.close(), outbox.close()]);
      await audit.flush();
      await caches.close();
      await database.close();
    },
  };
};
