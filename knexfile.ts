/** For those who use Knex by hand: `DATABASE_URL=… npx knex migrate:list`. Castellan itself runs `castellan migrate`. */
import type { Knex } from 'knex';
import { migrationConfig } from './src/platform/db/migrate.ts';

const config: Knex.Config = { client: 'pg', connection: process.env.DATABASE_URL ?? '', migrations: migrationConfig };

export default config;
