import { type Database, setTenants, type TenantScope } from '../platform/db/index.ts';
import { type AuditFilter, type AuditRepository, createAuditRepository, type StoredEvent } from './repository.ts';

export interface AuditReaderDeps {
  database: Database;
  /** Buffered events are written before a list is read. */
  flush(): Promise<void>;
}

/** The log as somebody may read it: who reads for an organization sees what happened in it (TN-03). */
export interface AuditReader {
  /** Newest first. @param before place of the last event seen: its time and id */
  list(scope: TenantScope, filter: AuditFilter, limit: number, before: [string, string] | undefined): Promise<StoredEvent[]>;
  find(scope: TenantScope, id: string): Promise<StoredEvent | undefined>;
  count(scope: TenantScope, filter: AuditFilter): Promise<number>;
}

export const createAuditReader = ({ database, flush }: AuditReaderDeps): AuditReader => {
  const reading = async <Result>(scope: TenantScope, read: (events: AuditRepository) => Promise<Result>): Promise<Result> => {
    await flush();
    return database.transaction(async (trx) => {
      await setTenants(trx, scope);
      return read(createAuditRepository(trx));
    });
  };
  const organizationsOf = (scope: TenantScope): readonly string[] | undefined => (scope === 'all' ? undefined : scope);

  return {
    list: (scope, filter, limit, before) =>
      reading(scope, (events) => events.list({ ...filter, organizationIds: organizationsOf(scope) }, limit, before)),
    find: (scope, id) => reading(scope, (events) => events.find(id, organizationsOf(scope))),
    count: (scope, filter) => reading(scope, (events) => events.count({ ...filter, organizationIds: organizationsOf(scope) })),
  };
};
