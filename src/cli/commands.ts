import { backup, restore } from './backup.ts';
import { clientCreate, clientList } from './client.ts';
import type { Command } from './command.ts';
import { docs } from './docs.ts';
import { doctor } from './doctor.ts';
import { keysList, keysRetire, keysRotate } from './keys.ts';
import { migrateStatus, migrateUp } from './migrate.ts';
import { outboxList, outboxRetry, outboxShow } from './outbox.ts';
import { revokeAll } from './revoke.ts';
import { seed } from './seed.ts';
import { startCommand } from './start.ts';
import { userCreate, userList, userPassword } from './user.ts';

/** In the order of `castellan --help`. */
export const commands: readonly Command[] = [
  startCommand,
  migrateUp,
  migrateStatus,
  seed,
  doctor,
  backup,
  restore,
  userCreate,
  userPassword,
  userList,
  clientCreate,
  clientList,
  keysList,
  keysRotate,
  keysRetire,
  revokeAll,
  outboxList,
  outboxShow,
  outboxRetry,
  docs,
];
