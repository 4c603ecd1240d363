import {
  type AdminRoutes,
  answer,
  decodeCursor,
  encodeCursor,
  etagOf,
  listOf,
  pageOfItems,
  requireMatch,
} from '../../platform/http/index.ts';
import { callerOf } from '../rbac/caller.ts';
import type { RuleRecord } from './repository.ts';
import * as schema from './schema.ts';
import { type Duties, ruleView } from './service.ts';

const base = '/api/v1/rbac/sod-rules';
const byName = ({ name, id }: RuleRecord): string[] => [name, id];
const tagged = (rule: RuleRecord, status = 200) =>
  answer({ status, headers: { ETag: etagOf(rule.version) }, body: ruleView(rule) });

const mountReport = (admin: AdminRoutes, duties: Duties): void => {
  admin.get(
    `${base}/conflicts`,
    {
      summary: 'Who holds together what a rule keeps apart, and by what',
      permission: 'sod:read',
      query: schema.ConflictQuery,
      response: listOf(schema.ConflictView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor, ruleId, userId }, ...caller }) => {
      const userIds = userId === undefined ? undefined : [userId];
      const after = decodeCursor(cursor, 'uuid', 'uuid');
      const { items, next } = await duties.conflicts(callerOf(caller), { limit, after, ruleId, userIds });
      return {
        items: items.map(({ conflict, exception }) => schema.reportView(conflict, exception)),
        nextCursor: next ? encodeCursor(next) : null,
      };
    },
  );
};

const mountRules = (admin: AdminRoutes, duties: Duties): void => {
  admin.get(
    base,
    {
      summary: 'List the rules that keep duties apart',
      permission: 'sod:read',
      query: schema.RuleQuery,
      response: listOf(schema.RuleView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor }, ...caller }) =>
      pageOfItems(await duties.list(callerOf(caller), limit + 1, decodeCursor(cursor, 'text', 'uuid')), limit, byName, ruleView),
  );
  admin.post(
    base,
    {
      summary: 'Keep roles or permissions apart',
      permission: 'sod:create',
      body: schema.RuleBody,
      response: schema.RuleView,
      status: 201,
    },
    async ({ body, ...caller }) => tagged(await duties.create(callerOf(caller), body), 201),
  );
  admin.get(
    `${base}/:id`,
    { summary: 'Read a rule', permission: 'sod:read', params: schema.RuleParams, response: schema.RuleView, status: 200 },
    async ({ params, ...caller }) => tagged(await duties.get(callerOf(caller), params.id)),
  );
  admin.put(
    `${base}/:id`,
    {
      summary: 'Replace a rule',
      permission: 'sod:update',
      params: schema.RuleParams,
      body: schema.RuleBody,
      response: schema.RuleView,
      status: 200,
    },
    async ({ params, body, request, ...caller }) =>
      tagged(await duties.update(callerOf(caller), params.id, body, (version) => requireMatch(request, version))),
  );
  admin.delete(
    `${base}/:id`,
    { summary: 'Remove a rule', permission: 'sod:delete', params: schema.RuleParams, status: 204 },
    async ({ params, ...caller }) => {
      await duties.remove(callerOf(caller), params.id);
      return undefined;
    },
  );
};

export const mountDutyRoutes = (admin: AdminRoutes, duties: Duties): void => {
  // Ahead of `:id`.
  mountReport(admin, duties);
  mountRules(admin, duties);
};
