/** The pages of the administration with ordinary, long, empty and failing data. */
import type { Exhibit } from './gallery.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const at = '2026-11-24T08:57:00.000Z';
const later = '2026-12-24T08:57:00.000Z';
const id = '01939d6e-7f6b-7c3a-9b1e-0c6f1a2b3c4d';
const longName = 'Trung tâm Điều hành Dữ liệu Khách hàng và Báo cáo Nghiệp vụ Liên Tỉnh';
const longLogin = 'nguyen.thi.hoang-anh.phuong-thao.bao-chau+bao-cao-lien-tinh@mien-trung.example.com.vn';
const sections = 'users organizations groups roles policies decisions duties clients resources keys audit'.split(' ');
const frame = {
  nav: sections.map((name) => ({ name, path: `/admin/${name}` })),
  person: { name: 'Alice Nguyễn', login: 'alice@example.com' },
  now,
  places: { [id]: longName },
  canAudit: true,
  csrfToken: 'c5r7',
  path: '/admin',
  nonce: 'n0nce',
};
const isList = (template: string): boolean => sections.includes(template) || template === 'overview';
export const exhibit = (name: string, template: string, values: Record<string, unknown>): Exhibit => ({
  name: `admin-${name}`,
  template: `admin/${template}`,
  // A single object is one step below its list.
  values: { ...frame, path: isList(template) ? `/admin/${template}` : `/admin/${values.current}/one`, ...values },
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
const organization = {
  id,
  name: longName,
  slug: 'trung-tam',
  status: 'active',
  parent: { id, name: longName },
  branding: {},
  memberCount: 12,
  updatedAt: at,
};
const branding = { displayName: longName, accentColor: '#0b5c6b', logoUri: 'https://example.com.vn/logo.png' };
const wrongColor = [{ path: '/branding/accentColor', message: 'must match pattern', field: 'accentColor', key: 'field.pattern' }];
const user = { id, name: 'Alice Nguyễn', email: longLogin, status: 'active', organizations: [organization], lastSignInAt: at };
const group = {
  id,
  name: longName,
  description: longName,
  organizationId: id,
  parent: { id, name: 'Kho' },
  memberCount: 3,
  updatedAt: at,
};
const member = { userId: id, email: longLogin, name: longName, role: 'member', createdAt: at };
const can = { update: true, assign: true, delete: true, grant: true, ask: true, deactivate: true, add: true, give: true };
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
  errors: [{ path: '/permissions/0', message: 'orders:fly:any is not registered', field: 'permissions' }],
  conflicts: [{ rule: { id, name: 'Orders and payments' }, holdings: [{ member: 'Order clerk' }, { member: 'Cashier' }] }],
};

const policy = {
  id,
  name: longName,
  effect: 'deny',
  priority: 10,
  target: { resources: ['orders'], actions: ['update', 'delete'] },
  organizationId: id,
  activeVersion: 3,
  version: 4,
  state: 'draft',
  condition:
    '{\n  "==": [{ "var": "resource.status" }, "closed-because-somebody-at-the-warehouse-in-Hai-Phong-said-so-last-week"]\n}',
  updatedAt: at,
};
const results = [
  { name: 'closed', applies: true, expected: true, passed: true },
  { name: null, applies: false, expected: true, passed: false },
];
const reason = {
  kind: 'policy',
  ref: id,
  effect: 'deny',
  policy: { name: longName, version: 3, priority: 10 },
  because: 'condition',
  failed: { path: '/and/0', expression: { '==': [{ var: 'resource.status' }, 'closed'] } },
};
const rule = { id, name: 'Orders and payments', roles: [role, role], permissions: ['orders:pay:any'], maxHeld: 1, updatedAt: at };
const held = { member: 'Order clerk', kind: 'group', rolePath: ['Order clerk'], groupPath: ['Kho', longName] };
const event = {
  id,
  occurredAt: at,
  type: 'rbac.role_assigned',
  outcome: 'success',
  actor: { type: 'user', id },
  target: { type: 'role', id },
  subjectId: id,
  reason: longName,
  ip: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
  correlationId: id,
};
const alice = { type: 'user', id, name: 'Alice Nguyễn', href: '#' };
const things = {
  by: alice,
  subject: { ...alice, name: longName },
  about: { type: 'role', id, name: 'Order clerk', href: '#' },
  client: { type: 'client', id: 'reports', name: undefined, href: '#' },
  organization: { type: 'organization', id, name: longName, href: '#' },
};
const shownEvent = {
  ...event,
  ...things,
  values: { actor: things.by, subject: things.subject, target: things.about, client: things.client },
};
const strangers = {
  ...shownEvent,
  type: 'authz.decision',
  outcome: 'denied',
  about: undefined,
  organization: undefined,
  values: {
    subject: { ...alice, name: undefined },
    action: { word: 'close' },
    resource: { word: 'orders' },
    verdict: { word: 'deny' },
  },
};
const userTabs = ['overview', 'access', 'activity'].map((name) => ({ name, href: '#' }));
const auditViews = ['notable', 'sign-ins', 'changes', 'decisions', 'everything'].map((name) => ({ name, href: '#' }));

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
      { id, status: 'deactivated', organizations: [], createdAt: at },
    ],
    pager: { next: '#', first: '#' },
    can,
  }),
  exhibit('users-assign', 'users-chosen', {
    current: 'users',
    step: 'assign',
    people: Array.from({ length: 6 }, () => ({ id, name: longLogin })),
    form: {},
    action: '#',
    back: '#',
    problem,
  }),
  exhibit('users-deactivate', 'users-chosen', {
    current: 'users',
    step: 'deactivate',
    people: [{ id, name: longLogin }],
    form: {},
    action: '#',
    back: '#',
  }),
  exhibit('users-failed', 'users-chosen', {
    current: 'users',
    step: 'deactivate',
    people: [{ id, name: longLogin }],
    failed: [{ id, name: longLogin, code: 'oneself' }],
    form: {},
    back: '#',
  }),
  exhibit('users-nobody', 'users-chosen', { current: 'users', step: 'deactivate', people: [], form: {}, back: '#' }),
  exhibit('user', 'user', {
    current: 'users',
    user,
    can,
    base: '#',
    tab: 'overview',
    tabs: userTabs,
    factors: { devices: [{ id, kind: 'totp', name: longName, lastUsedAt: at }], recoveryCodesLeft: 9 },
    sessions: [{ browser: 'Firefox', os: 'Linux', ip: '203.0.113.7', place: 'Hải Phòng', last_seen_at: new Date(at) }],
    happened: [shownEvent],
    groups: [group],
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
  exhibit('user-access', 'user', {
    current: 'users',
    user,
    can,
    base: '#',
    tab: 'access',
    tabs: userTabs,
    done: 'role_assigned',
    receipt: 'abc',
    groups: [group],
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
  exhibit('user-activity', 'user', {
    current: 'users',
    user,
    can,
    base: '#',
    tab: 'activity',
    tabs: userTabs,
    factors: { devices: [{ id, kind: 'totp', name: longName, lastUsedAt: at }], recoveryCodesLeft: 9 },
    sessions: [{ browser: 'Firefox', os: 'Linux', ip: '203.0.113.7', place: 'Hải Phòng', last_seen_at: new Date(at) }],
    happened: [],
    groups: [group],
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
  exhibit('user-deactivate', 'confirm', {
    current: 'users',
    key: 'user_deactivate',
    values: { person: longLogin },
    asksReason: true,
    action: '#',
    back: '#',
  }),
  exhibit('organizations', 'organizations', {
    current: 'organizations',
    filters: {},
    chips: [],
    items: [organization, { ...organization, status: 'suspended', parent: null }],
    pager: {},
    canCreate: true,
  }),
  exhibit('organization', 'organization', {
    current: 'organizations',
    organization: { ...organization, branding },
    contrast: '7.4',
    members: [{ ...member, roles: [{ roleId: id, name: 'Order clerk' }] }],
    pager: {},
    can: { ...can, suspend: true },
    base: '#',
  }),
  exhibit('organization-edit', 'organization-form', {
    current: 'organizations',
    organization,
    form: { name: longName, slug: 'trung-tam', ...branding },
    isPlaced: true,
    action: '#',
    back: '#',
    problem: { ...problem, code: 'invalid_request', detail: undefined, conflicts: [], errors: wrongColor },
  }),
  exhibit('organization-new', 'organization-form', {
    current: 'organizations',
    form: {},
    isPlaced: true,
    action: '#',
    back: '#',
  }),
  exhibit('organization-add', 'organization-add', {
    current: 'organizations',
    organization,
    form: {},
    canAssign: true,
    action: '#',
    back: '#',
  }),
  exhibit('groups', 'groups', { current: 'groups', filters: {}, chips: [], items: [group], pager: {}, canCreate: true }),
  exhibit('group', 'group', { current: 'groups', group, members: [member], roles: [role], can, base: '#', pager: {} }),
  exhibit('group-edit', 'group-form', { current: 'groups', group, form: { name: longName }, action: '#', back: '#' }),
  exhibit('group-add', 'group-give', { current: 'groups', what: 'add', group, form: {}, action: '#', back: '#' }),
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
  exhibit('policies', 'policies', {
    current: 'policies',
    items: [policy, { ...policy, activeVersion: null }],
    pager: {},
    canCreate: true,
  }),
  exhibit('policy', 'policy', {
    current: 'policies',
    policy,
    versions: [{ ...policy, createdAt: at, activatedAt: at }],
    results,
    can: { update: true, activate: true },
    base: '#',
  }),
  exhibit('policy-edit', 'policy-form', {
    current: 'policies',
    policy,
    form: policy,
    action: '#',
    back: '#',
    problem: { ...problem, code: 'policy_invalid', conflicts: [] },
  }),
  exhibit('policy-try', 'policy-try', {
    current: 'policies',
    policy,
    form: {},
    action: '#',
    back: '#',
    result: { applies: false, targeted: false },
    failed: policy.condition,
  }),
  exhibit('policy-activate', 'policy-step', {
    current: 'policies',
    step: 'activate',
    policy,
    results,
    dryRun: {
      examined: 500,
      changes: [{ at, subjectId: id, resource: 'orders', action: 'update', before: true, after: false }],
    },
    action: '#',
    back: '#',
  }),
  exhibit('decisions', 'decisions', {
    current: 'decisions',
    asked: true,
    allowed: false,
    kind: 'policy_deny',
    deciding: [reason],
    considered: [
      { ...via[0], effect: 'allow', permission: 'orders:read:organization', because: 'other_organization', organizationId: id },
    ],
    remedies: [
      { kind: 'remove', ref: longName, sufficient: true },
      { kind: 'condition', ref: id, value: policy.condition },
    ],
    form: { subject: longLogin, action: 'update', type: 'orders' },
  }),
  exhibit('duties', 'duties', { current: 'duties', items: [rule], pager: {}, canCreate: true }),
  exhibit('duty', 'duty-form', { current: 'duties', rule, form: rule, action: '#', back: '#', canDelete: true, deleteHref: '#' }),
  exhibit('conflicts', 'conflicts', {
    current: 'duties',
    filters: {},
    chips: [],
    items: [
      { userId: id, person: longLogin, rule, holdings: [held, held], organizationId: id, from: at },
      { userId: id, rule, holdings: [held], from: at, accepted: { reason: longName, createdAt: at } },
    ],
    pager: {},
  }),
  exhibit('audit', 'audit', {
    current: 'audit',
    filters: { person: longLogin },
    chips: [{ name: 'person', value: longLogin, href: '#' }],
    items: [shownEvent, strangers, { ...shownEvent, type: 'other.thing' }],
    view: 'notable',
    views: auditViews,
    pager: { next: '#' },
  }),
  exhibit('audit-empty', 'audit', { current: 'audit', filters: {}, chips: [], items: [], view: 'changes', views: auditViews }),
  exhibit('event', 'event', {
    current: 'audit',
    event: shownEvent,
    changes: [{ name: 'description', before: '', after: longName }],
    siblings: [strangers],
    json: JSON.stringify(event, null, 2),
  }),
];
