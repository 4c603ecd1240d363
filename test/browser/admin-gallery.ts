/** The pages of the administration with ordinary, long, empty and failing data. */
import type { Exhibit } from './gallery.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const at = '2026-11-24T08:57:00.000Z';
const later = '2026-12-24T08:57:00.000Z';
const id = '01939d6e-7f6b-7c3a-9b1e-0c6f1a2b3c4d';
const longName = 'Trung tâm Điều hành Dữ liệu Khách hàng và Báo cáo Nghiệp vụ Liên Tỉnh';
const longLogin = 'nguyen.thi.hoang-anh.phuong-thao.bao-chau+bao-cao-lien-tinh@mien-trung.example.com.vn';
const sections = ['users', 'roles'];
const frame = {
  nav: sections.map((name) => ({ name, path: `/admin/${name}` })),
  person: { name: 'Alice Nguyễn', login: 'alice@example.com' },
  now,
  canAudit: true,
  csrfToken: 'c5r7',
  path: '/admin',
  nonce: 'n0nce',
};
const exhibit = (name: string, template: string, values: Record<string, unknown>): Exhibit => ({
  name: `admin-${name}`,
  template: `admin/${template}`,
  values: { ...frame, ...values },
});

const role = {
  id,
  name: 'Order clerk',
  description: 'Reads and changes orders',
  organizationId: null,
  isSystem: false,
  permissions: ['orders:read:any', 'orders:update:organization'],
  parents: [{ id, name: 'USER' }],
  createdAt: at,
  updatedAt: at,
};
const roles = [
  role,
  { ...role, name: longName, organizationId: id, description: longName, parents: [role, role] },
  {
    ...role,
    name: 'ADMIN',
    isSystem: true,
    parents: [],
    permissions: Array.from({ length: 40 }, (_, n) => `reports:read-${n}:any`),
  },
];
const assignment = {
  id,
  userId: id,
  email: longLogin,
  role,
  organizationId: id,
  eligible: true,
  startsAt: at,
  expiresAt: later,
  reason: longName,
  createdAt: at,
};
const user = { id, name: 'Alice Nguyễn', email: longLogin, status: 'active' };
const can = { update: true, assign: true, delete: true, grant: true, ask: true };
const chips = [{ name: 'search', value: longName, href: '/admin/roles' }];
const via = [
  { kind: 'role', ref: id, rolePath: ['Order clerk', 'USER'], groupPath: [], expiresAt: later },
  { kind: 'group', ref: id, rolePath: ['Order clerk'], groupPath: ['Kho', longName] },
];
const problem = {
  code: 'duties_conflict',
  status: 409,
  title: 'Rights would meet that are kept apart',
  detail: 'The rule "Orders and payments" keeps these rights apart',
  errors: [{ path: '/permissions/0', message: 'orders:fly:any is not registered' }],
  conflicts: [{ rule: { id, name: 'Orders and payments' }, holdings: [{ member: 'Order clerk' }, { member: 'Cashier' }] }],
};

export const adminGallery: readonly Exhibit[] = [
  exhibit('overview-well', 'overview', {
    current: 'overview',
    wrong: [],
    well: ['failed', 'locked', 'conflicts', 'keys', 'outbox'].map((name) => ({ name })),
  }),
  exhibit('overview-wrong', 'overview', {
    current: 'overview',
    wrong: [
      { name: 'outbox', kind: 'danger', count: 3 },
      { name: 'failed', kind: 'warning', count: 1204, href: '/admin/audit' },
    ],
    well: [{ name: 'keys' }],
  }),
  exhibit('users', 'users', {
    current: 'users',
    filters: { search: longName },
    chips,
    items: [
      { ...user, createdAt: at },
      { id, status: 'deactivated', createdAt: at },
    ],
    pager: { next: '#', first: '#' },
  }),
  exhibit('user', 'user', {
    current: 'users',
    user,
    can,
    base: '#',
    done: 'role_assigned',
    receipt: 'abc',
    assignments: [assignment],
    direct: [{ ...assignment, permission: 'orders:delete:any', effect: 'deny' }],
    effective: {
      roles: ['Order clerk', 'USER'],
      permissions: [
        { permission: 'orders:read:any', effect: 'allow', via },
        { permission: 'orders:delete:any', effect: 'deny', via: [{ kind: 'direct', ref: id, rolePath: [], groupPath: [] }] },
      ],
    },
  }),
  exhibit('user-assign', 'user-grant', { current: 'users', what: 'assign', user, form: {}, action: '#', back: '#', problem }),
  exhibit('roles', 'roles', { current: 'roles', filters: {}, chips, items: roles, pager: { next: '#' }, canCreate: true }),
  exhibit('roles-none', 'roles', { current: 'roles', filters: {}, chips: [], items: [], pager: {}, canCreate: true }),
  exhibit('role', 'role', { current: 'roles', role: roles[2], members: [assignment], can, base: '#', pager: {} }),
  exhibit('role-new', 'role-form', { current: 'roles', form: { name: 'Clerk' }, action: '#', back: '#', problem }),
  exhibit('role-assign', 'role-assign', { current: 'roles', role, form: {}, action: '#', back: '#' }),
  exhibit('role-delete', 'confirm', {
    current: 'roles',
    key: 'role_delete',
    values: { role: longName },
    facts: [['admin.roles.members', '12']],
    action: '#',
    back: '#',
  }),
];
