import { type AuditReader, EventQuery, eventView, placeOf } from '../../../audit/index.ts';
import { callerOf } from '../../../authz/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminShell } from '../shell/page.ts';

export interface AuditPageDeps {
  events: AuditReader;
}

const base = '/admin/audit';
const checkQuery = checkOf(EventQuery);
const dateOf = (time: string | undefined): Date | undefined => (time === undefined ? undefined : new Date(time));

/** The log, with the filters of the API (FEATURES C8); each event in words and as it is stored. */
export const mountAuditPages = (shell: AdminShell, { events }: AuditPageDeps): void => {
  shell.get(base, { permission: 'audit:read' }, async (admin) => {
    const state = readList(admin, ['type', 'exceptType', 'outcome', 'actor', 'target', 'correlationId', 'from', 'to']);
    const { from, to, ...filter } = checkQuery(state.filters);
    const before = decodeCursor(state.cursor, 'time', 'uuid');
    const { scope } = callerOf(admin.caller);
    const rows = await events.list(scope, { ...filter, from: dateOf(from), to: dateOf(to) }, state.limit + 1, before);
    const { items, nextCursor } = pageOfItems(rows, state.limit, placeOf, eventView);
    const quieter = `${base}?${new URLSearchParams({ ...state.filters, exceptType: 'authz.decision' })}`;
    admin.show('audit', { ...state, items, quieter, pager: state.pager(nextCursor) });
  });
  shell.get(`${base}/:id`, { permission: 'audit:read' }, async (admin) => {
    const event = await events.find(callerOf(admin.caller).scope, admin.params.id ?? '');
    if (!event) throw shared.not_found();
    const view = eventView(event);
    admin.show('event', { event: view, json: JSON.stringify(view, null, 2) });
  });
};
