import type { Command } from './command.ts';
import { docs } from './docs.ts';
import { migrateStatus, migrateUp } from './migrate.ts';
import { startCommand } from './start.ts';

/** In the order of `castellan --help`. */
export const commands: readonly Command[] = [startCommand, migrateUp, migrateStatus, docs];
