import type { RouteCaller } from '../../../authz/index.ts';
import { ResourceBody, type Resources, type ResourceView, signingAlgorithms } from '../../../oidc/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, type PageContext, pageOfItems } from '../../../platform/http/index.ts';
import { jsonOf, linesOf, textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface ResourcePageDeps {
  resources: Resources['admin'];
}

const base = '/admin/resources';
const checkBody = checkOf(ResourceBody);
const everywhere = { everywhere: true } as const;
const actorOf = ({ principal: { type, id } }: RouteCaller) => ({ type, id });

/** One scope a line: its name, and in words what it lets an application do. */
const scopesOf = (form: PageContext['form']) =>
  (form.scopes ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [name = '', ...words] = line.split(/\s+/);
      return words.length === 0 ? { name } : { name, description: words.join(' ') };
    });

const bodyOf = ({ form }: PageContext) => {
  const ttl = textOf(form, 'accessTokenTtlSeconds');
  const [alg, claims] = [textOf(form, 'signingAlg'), jsonOf(form, 'accessTokenClaims')];
  return checkBody({
    identifier: textOf(form, 'identifier'),
    name: textOf(form, 'name'),
    accessTokenFormat: textOf(form, 'accessTokenFormat'),
    scopes: scopesOf(form),
    introspectionClients: linesOf(form, 'introspectionClients'),
    ...(ttl === undefined ? {} : { accessTokenTtlSeconds: Number(ttl) }),
    ...(alg === undefined ? {} : { signingAlg: alg }),
    ...(claims === undefined ? {} : { accessTokenClaims: claims }),
  });
};

const formOf = (view: ResourceView, version: number): Record<string, unknown> => ({
  ...view,
  version,
  scopes: view.scopes.map(({ name, description }) => (description === undefined ? name : `${name} ${description}`)).join('\n'),
  introspectionClients: view.introspectionClients.join('\n'),
  accessTokenClaims: view.accessTokenClaims.length === 0 ? '' : JSON.stringify(view.accessTokenClaims, null, 2),
});

/** FEATURES P5: the APIs that tokens are made for. They belong to the deployment: only who holds a permission everywhere changes them. */
export const mountResourcePages = (shell: AdminShell, { resources }: ResourcePageDeps): void => {
  const find = ({ params }: AdminPage) => resources.get(params.id ?? '');

  shell.get(base, { permission: 'resource:read' }, async (admin) => {
    const state = readList(admin, []);
    const rows = await resources.list(state.limit + 1, decodeCursor(state.cursor, 'text')?.[0]);
    const { items, nextCursor } = pageOfItems(
      rows,
      state.limit,
      ({ identifier }) => [identifier],
      (view) => view,
    );
    admin.show('resources', { items, pager: state.pager(nextCursor), canCreate: await admin.may('resource:create', true) });
  });

  const showForm = (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): void =>
    admin.show(
      'resource-form',
      { form: admin.form, back: base, algorithms: signingAlgorithms, ...values, problem },
      problem?.status,
    );

  shell.get(`${base}/new`, { permission: 'resource:create', ...everywhere }, async (admin) =>
    showForm(admin, { action: `${base}/new`, form: { accessTokenFormat: 'jwt' } }),
  );
  shell.post(`${base}/new`, { permission: 'resource:create', ...everywhere }, async (admin) => {
    try {
      const { view } = await resources.create(bodyOf(admin), actorOf(admin.caller));
      admin.receipt(`${base}/${view.id}`, 'resource_created');
    } catch (error) {
      showForm(admin, { action: `${base}/new` }, problemOf(error));
    }
  });

  shell.get(`${base}/:id`, { permission: 'resource:read' }, async (admin) => {
    const { view } = await find(admin);
    const isOurs = view.source === 'builtin';
    const [update, remove] = [await admin.may('resource:update', true), await admin.may('resource:delete', true)];
    admin.show('resource', {
      resource: view,
      can: { update: update && !isOurs, delete: remove && !isOurs },
      base: `${base}/${view.id}`,
    });
  });

  shell.get(`${base}/:id/edit`, { permission: 'resource:update', ...everywhere }, async (admin) => {
    const { view, version } = await find(admin);
    showForm(admin, {
      resource: view,
      form: formOf(view, version),
      action: `${base}/${view.id}/edit`,
      back: `${base}/${view.id}`,
    });
  });
  shell.post(`${base}/:id/edit`, { permission: 'resource:update', ...everywhere }, async (admin) => {
    const { view } = await find(admin);
    const place = `${base}/${view.id}`;
    try {
      await resources.update(view.id, bodyOf(admin), actorOf(admin.caller), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(place, 'resource_changed');
    } catch (error) {
      showForm(admin, { resource: view, action: `${place}/edit`, back: place }, problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const { view } = await find(admin);
    const place = `${base}/${view.id}`;
    const what = {
      key: 'resource_delete',
      values: { resource: view.name },
      facts: [['admin.resources.identifier', view.identifier]],
    };
    admin.show('confirm', { ...what, action: `${place}/delete`, back: place, problem }, problem?.status);
  };
  shell.get(`${base}/:id/delete`, { permission: 'resource:delete', ...everywhere }, (admin) => confirm(admin));
  shell.post(`${base}/:id/delete`, { permission: 'resource:delete', ...everywhere }, async (admin) => {
    try {
      await resources.remove(admin.params.id ?? '', actorOf(admin.caller));
      admin.receipt(base, 'resource_deleted');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });
};
