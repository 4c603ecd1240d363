import { callerOf } from '../../../authz/index.ts';
import { type Directory, OrganizationChangeBody, organizationView } from '../../../identity/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { textOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

const base = '/admin/organizations';
const access = { permission: 'organization:update' } as const;
const checkBody = checkOf(OrganizationChangeBody);

/** Words, a picture by its address and a colour; what is empty is not there. */
export const brandingOf = ({ form }: AdminPage) => ({
  displayName: textOf(form, 'displayName'),
  logoUri: textOf(form, 'logoUri'),
  accentColor: textOf(form, 'accentColor')?.toLowerCase(),
});

/** Place and short name are the deployment's to say: the form of an organization's own administrators has neither. */
const bodyOf = (admin: AdminPage) => {
  const { form, caller } = admin;
  const branding = brandingOf(admin);
  const name = textOf(form, 'name');
  if (caller.reach !== 'any') return checkBody({ name, branding });
  return checkBody({ name, slug: textOf(form, 'slug'), parent: textOf(form, 'parent') ?? null, branding });
};

/** What an organization is called and looks like, and whether it works at all (FEATURES I4, A12). */
export const mountOrganizationChange = (shell: AdminShell, { organizations }: Pick<Directory, 'organizations'>): void => {
  const find = (admin: AdminPage) => organizations.get(callerOf(admin.caller), admin.params.organization ?? '');

  const showForm = async (admin: AdminPage, form: Record<string, unknown>, problem?: Problem): Promise<void> => {
    const organization = organizationView(await find(admin));
    const back = `${base}/${organization.id}`;
    const values = { organization, form, action: `${back}/edit`, back, isPlaced: admin.caller.reach === 'any', problem };
    admin.show('organization-form', values, problem?.status);
  };

  shell.get(`${base}/:organization/edit`, access, async (admin) => {
    const found = await find(admin);
    const { name, slug, parent, branding } = organizationView(found);
    await showForm(admin, { name, slug, parent: parent?.id, ...branding, version: found.version });
  });
  shell.post(`${base}/:organization/edit`, access, async (admin) => {
    try {
      await organizations.update(callerOf(admin.caller), admin.params.organization ?? '', bodyOf(admin), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(`${base}/${admin.params.organization}`, 'organization_changed');
    } catch (error) {
      await showForm(admin, admin.form, problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, step: 'suspend' | 'resume', problem?: Problem): Promise<void> => {
    const { name, id, memberCount } = organizationView(await find(admin));
    const isEnd = step === 'suspend';
    const facts = [['admin.groups.members', String(memberCount)]];
    const shown = { key: `organization_${step}`, values: { organization: name }, facts, kind: isEnd ? 'danger' : 'primary' };
    const back = `${base}/${id}`;
    const ask = isEnd ? name : undefined;
    admin.show('confirm', { ...shown, ask, action: `${back}/${step}`, back, problem }, problem?.status);
  };

  for (const step of ['suspend', 'resume'] as const) {
    const whole = { ...access, everywhere: true } as const;
    const status = step === 'suspend' ? 'suspended' : 'active';
    shell.get(`${base}/:organization/${step}`, whole, (admin) => confirm(admin, step));
    shell.post(`${base}/:organization/${step}`, whole, async (admin) => {
      try {
        const { id, name } = await find(admin);
        const isRead = step === 'resume' || admin.form.confirmation?.trim() === name;
        if (!isRead) throw shared.invalid_request({ errors: [{ path: '/confirmation', message: 'is not the name' }] });
        await organizations.update(callerOf(admin.caller), id, { name, status }, () => undefined);
        admin.receipt(`${base}/${id}`, step === 'suspend' ? 'organization_suspended' : 'organization_resumed');
      } catch (error) {
        await confirm(admin, step, problemOf(error));
      }
    });
  }
};
