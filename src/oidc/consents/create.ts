import type { Database } from '../../platform/db/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import { type ApplicationDeps, createApplications } from './applications.ts';
import { createConsentRepository } from './repository.ts';
import { mountGrantRoutes } from './routes.ts';

interface ApplicationRoomDeps extends Omit<ApplicationDeps, 'consents'> {
  database: Pick<Database, 'knex'>;
}

/** What people let applications at, with its storage and its routes. */
export const createApplicationRoom = ({ database, ...deps }: ApplicationRoomDeps) => {
  const applications = createApplications({ ...deps, consents: createConsentRepository(database.knex) });
  return { applications, mount: (admin: AdminRoutes): void => mountGrantRoutes(admin, applications) };
};
