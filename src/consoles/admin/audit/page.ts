import { type AuditReader, EventQuery, eventKinds, eventView, placeOf } from '../../../audit/index.ts';
import { callerOf } from '../../../authz/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { timeOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { nobody } from '../shell/people.ts';
import { createNames, type NameDeps } from './names.ts';
import { changesOf, shownEvent } from './words.ts';

export interface AuditPageDeps extends NameDeps {
  events: AuditReader;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
}

const base = '/admin/audit';
const checkQuery = checkOf(EventQuery);
const dateOf = (time: string | undefined): Date | undefined => (time === undefined ? undefined : new Date(time));
const views = [...Object.keys(eventKinds), 'everything'];
const filterNames = [
  ...['person', 'client', 'outcome', 'from', 'to', 'search', 'ip'],
  ...['type', 'exceptType', 'actor', 'target', 'correlationId', 'show'],
] as const;
/** Who names what to look for sees all of it; who only looks sees what matters. */
const precise = ['type', 'actor', 'target', 'correlationId'];
const together = 50;

/** The log, with the filters of the API (FEATURES C8): each event as a sentence with names, and as it is stored. */
export const mountAuditPages = (shell: AdminShell, deps: AuditPageDeps): void => {
  const { events, idOfLogin } = deps;
  const names = createNames(deps);

  const filterOf = async ({ query }: AdminPage, filters: Record<string, string>, view: string) => {
    const { show: _, person, from, to, ...rest } = filters;
    const kind = view === 'everything' ? undefined : view;
    const times = { from: timeOf(query, 'from'), to: timeOf(query, 'to') };
    // Nobody and somebody unknown to the reader read the same: nothing (TN-03).
    const personId = person === undefined || isUuid(person) ? person : ((await idOfLogin(person)) ?? nobody);
    const given = Object.entries({ ...rest, ...times, person: personId, kind }).filter(([, value]) => value !== undefined);
    const checked = checkQuery(Object.fromEntries(given));
    return { ...checked, from: dateOf(checked.from), to: dateOf(checked.to) };
  };

  shell.get(base, { permission: 'audit:read' }, async (admin) => {
    const state = readList(admin, filterNames);
    const filters = state.filters as Record<string, string>;
    const view = filters.show ?? (precise.some((name) => filters[name] !== undefined) ? 'everything' : 'notable');
    if (!views.includes(view)) throw shared.not_found();
    const filter = await filterOf(admin, filters, view);
    const before = decodeCursor(state.cursor, 'time', 'uuid');
    const rows = await events.list(callerOf(admin.caller).scope, filter, state.limit + 1, before);
    const { items, nextCursor } = pageOfItems(rows, state.limit, placeOf, eventView);
    const nameOf = await names(admin, items);
    const addressOf = (show: string): string => `${base}?${new URLSearchParams({ ...filters, show })}`;
    admin.show('audit', {
      filters,
      chips: state.chips.filter(({ name }) => name !== 'show'),
      items: items.map((item) => shownEvent(item, nameOf)),
      view,
      views: views.map((name) => ({ name, href: addressOf(name) })),
      pager: state.pager(nextCursor),
    });
  });

  shell.get(`${base}/:id`, { permission: 'audit:read' }, async (admin) => {
    const { scope } = callerOf(admin.caller);
    const event = await events.find(scope, admin.params.id ?? '');
    if (!event) throw shared.not_found();
    const view = eventView(event);
    const { correlationId } = view;
    const others = correlationId === null ? [] : await events.list(scope, { correlationId }, together, undefined);
    const siblings = others.map(eventView).filter(({ id }) => id !== view.id);
    const nameOf = await names(admin, [view, ...siblings]);
    admin.show('event', {
      event: shownEvent(view, nameOf),
      changes: changesOf(view),
      siblings: siblings.map((one) => shownEvent(one, nameOf)),
      json: JSON.stringify(view, null, 2),
    });
  });
};
