import { type Clients, compareRedirect, managerOf } from '../../../oidc/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { bodyOf, formOf, grants, methods } from './form.ts';
import { mountClientLife } from './life.ts';
import { mountSecretPages } from './secrets.ts';

export interface ClientPageDeps {
  clients: Clients['admin'];
}

const base = '/admin/clients';
const placeOf = (id: string): string => `${base}/${encodeURIComponent(id)}`;
const listed = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** FEATURES P5, O8: applications: what they are, their secrets, what they hold, their end. */
export const mountClientPages = (shell: AdminShell, { clients }: ClientPageDeps): void => {
  const find = ({ caller, params }: AdminPage) => clients.get(params.client ?? '', managerOf(caller));

  shell.get(base, { permission: 'client:read' }, async (admin) => {
    const state = readList(admin, ['search', 'source', 'organizationId']);
    const { organizationIds } = managerOf(admin.caller);
    const { organizationId, ...filter } = state.filters;
    const chosen =
      organizationId === undefined ? organizationIds : [organizationId].filter((id) => organizationIds?.includes(id) ?? true);
    const after = decodeCursor(state.cursor, 'text')?.[0];
    const rows = await clients.list({ ...filter, organizationIds: chosen }, state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(
      rows,
      state.limit,
      ({ id }) => [id],
      (view) => view,
    );
    admin.show('clients', { ...state, items, pager: state.pager(nextCursor), canCreate: await admin.may('client:create') });
  });

  const showForm = async (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): Promise<void> => {
    const shownForm = { form: admin.form, back: base, ...values, problem };
    const canTrust = admin.caller.reach === 'any';
    admin.show('client-form', { ...shownForm, methods, grants: Object.keys(grants), canTrust }, problem?.status);
  };
  const fresh = { application_type: 'web', token_endpoint_auth_method: methods[0], grant_code: true, grant_refresh: true };

  shell.get(`${base}/new`, { permission: 'client:create' }, (admin) =>
    showForm(admin, { action: `${base}/new`, form: { ...fresh, organization_id: admin.caller.organizationIds[0] } }),
  );
  shell.post(`${base}/new`, { permission: 'client:create' }, async (admin) => {
    try {
      const { view } = await clients.create(bodyOf(admin.form), managerOf(admin.caller));
      // The secret is on this page and nowhere else: no redirect could carry it.
      admin.show('client-secret', { client: view, secret: view.client_secret, isNew: true, back: placeOf(view.id) });
    } catch (error) {
      await showForm(admin, { action: `${base}/new` }, problemOf(error));
    }
  });

  shell.get(`${base}/:client`, { permission: 'client:read' }, async (admin) => {
    const { view } = await find(admin);
    const [update, remove] = [await admin.may('client:update'), await admin.may('client:delete')];
    const isOurs = view.source === 'builtin';
    const asked = admin.query.check?.trim() ?? '';
    const verdict =
      asked === '' ? undefined : compareRedirect(asked, listed(view.redirect_uris), view.application_type === 'native');
    admin.show('client', {
      client: view,
      form: formOf(view, 0),
      holdings: await clients.holdings(view.id, managerOf(admin.caller)),
      can: { update: update && !isOurs, delete: remove && !isOurs },
      check: { asked, verdict },
      base: placeOf(view.id),
    });
  });

  shell.get(`${base}/:client/edit`, { permission: 'client:update' }, async (admin) => {
    const { view, version } = await find(admin);
    await showForm(admin, {
      client: view,
      form: formOf(view, version),
      action: `${placeOf(view.id)}/edit`,
      back: placeOf(view.id),
    });
  });
  shell.post(`${base}/:client/edit`, { permission: 'client:update' }, async (admin) => {
    const place = placeOf(admin.params.client ?? '');
    try {
      const { view } = await clients.update(admin.params.client ?? '', bodyOf(admin.form), managerOf(admin.caller), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      // A change of the method may make a secret, which is seen now or never.
      if (view.client_secret === undefined) admin.receipt(place, 'client_changed');
      else admin.show('client-secret', { client: view, secret: view.client_secret, back: place });
    } catch (error) {
      const problem = problemOf(error);
      await showForm(admin, { client: (await find(admin)).view, action: `${place}/edit`, back: place }, problem);
    }
  });

  mountSecretPages(shell, clients);
  mountClientLife(shell, clients);
};
