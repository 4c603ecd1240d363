import type { Static } from '@sinclair/typebox';
import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, decodeCursor, pageOfItems } from '../../platform/http/index.ts';
import type { AuditBuffer, Guard, Principal } from '../../platform/ports.ts';
import type { SessionRow } from './repository.ts';
import { EndQuery, SessionList, SessionParams, SessionQuery, type SessionView } from './schema.ts';
import type { Devices, SessionEndings } from './service.ts';

export interface SessionRouteDeps {
  devices: Devices;
  endings: SessionEndings;
  guard: Guard;
  audit: AuditBuffer;
}

const base = '/api/v1/sessions';

const view =
  (principal: Principal) =>
  (row: SessionRow): Static<typeof SessionView> => ({
    id: row.id,
    current: row.session_uid === principal.sessionId,
    device: row.device,
    browser: row.browser,
    os: row.os,
    ip: row.ip,
    ...(row.place === null ? {} : { place: row.place }),
    createdAt: row.created_at.toISOString(),
    lastSeenAt: row.last_seen_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    acr: row.acr,
    amr: [...row.amr],
  });

const place = (row: SessionRow): [string, string] => [row.last_seen_at.toISOString(), row.id];
const actorOf = ({ type, id }: Principal) => ({ type, id }) as const;

export const mountSessionRoutes = (admin: AdminRoutes, { devices, endings, guard, audit }: SessionRouteDeps): void => {
  const holds = async (principal: Principal, permission: string): Promise<boolean> =>
    (await guard.reach(principal, permission)) === 'any';

  /** Whose sessions are meant: one's own without asking, another's with the permission. @throws permission_required */
  const subjectOf = async (principal: Principal, userId: string | undefined, permission: string): Promise<string> => {
    const isOwn = userId === undefined || userId === principal.id;
    if (isOwn && principal.type === 'user') return principal.id;
    if (userId !== undefined && (await holds(principal, permission))) return userId;
    const details = { permission, route: base };
    const { clientId } = principal;
    audit.note({
      type: 'api.denied',
      outcome: 'denied',
      actor: actorOf(principal),
      clientId,
      reason: 'permission_required',
      details,
    });
    throw shared.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  admin.get(
    base,
    {
      summary: 'List my live sessions, or with userId and session:read those of a person',
      permission: 'self',
      query: SessionQuery,
      response: SessionList,
      status: 200,
    },
    async ({ query, principal }) => {
      const { limit = 50, cursor } = query;
      const userId = await subjectOf(principal, query.userId, 'session:read');
      const rows = await devices.list(userId, limit + 1, decodeCursor(cursor, 'time', 'uuid'));
      return pageOfItems(rows, limit, place, view(principal));
    },
  );
  admin.delete(
    `${base}/:id`,
    {
      summary: 'End one of my sessions, or with session:delete anybody’s, with every token given out under it',
      permission: 'self',
      params: SessionParams,
      status: 204,
    },
    async ({ params, principal }) => {
      const isAdministrator = await holds(principal, 'session:delete');
      const row = await devices.find(params.id, isAdministrator ? undefined : principal.id);
      await endings.endSessions([row.session_uid], { cause: 'revoked', actor: actorOf(principal) });
      return undefined;
    },
  );
  admin.delete(
    base,
    {
      summary: 'End all my sessions but the one that asks (others=true), or with session:delete all of a person (userId)',
      permission: 'self',
      query: EndQuery,
      status: 204,
    },
    async ({ query, principal }) => {
      if (query.others !== true && query.userId === undefined) {
        throw shared.invalid_request({ errors: [{ path: 'query/others', message: 'is required, or userId' }] });
      }
      const userId = await subjectOf(principal, query.userId, 'session:delete');
      const uids = await devices.uidsOf(userId);
      const ended = query.others ? uids.filter((uid) => uid !== principal.sessionId) : uids;
      await endings.endSessions(ended, { cause: 'revoked', actor: actorOf(principal) });
      return undefined;
    },
  );
};
