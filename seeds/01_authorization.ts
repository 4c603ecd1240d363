import type { Knex } from 'knex';
import { seedAuthorization } from '../src/authz/index.ts';

/** Roles and permissions of Castellan itself; run again, it changes nothing. */
export const seed = (knex: Knex): Promise<void> => knex.transaction((trx) => seedAuthorization(trx, new Date()));
