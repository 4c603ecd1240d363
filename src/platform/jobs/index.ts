/**
 * Owns: work that runs by the clock (DESIGN.md, decision 13): in any replica, exactly one at a time, taken over when its holder dies
 * (security-cases F-12). Work that is owed to a change goes through the outbox instead.
 */
export { createJobs, type JobDeps, type Jobs } from './jobs.ts';
export { JobLostError, type JobRun } from './lease.ts';
export { registerUpkeep, type UpkeepDeps } from './upkeep.ts';
