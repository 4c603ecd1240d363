/**
 * How the manager of one tenant would reach into another by each route of our API. A route that takes an id, a query or a body and is
 * not here fails the test (issue 5): whoever adds one says what a stranger would try.
 */
import type { TSchema } from '@sinclair/typebox';

const uuid = (digit: string, tail: string): string => `0189000${digit}-0000-7000-8000-${tail.padStart(12, '0')}`;
const tenant = (digit: string, marker: string) => ({
  organization: uuid(digit, '01'),
  user: uuid(digit, '02'),
  role: uuid(digit, '03'),
  child: uuid(digit, '04'),
  group: uuid(digit, '05'),
  policy: uuid(digit, '06'),
  rule: uuid(digit, '07'),
  permission: uuid(digit, '08'),
  secret: uuid(digit, '09'),
  session: uuid(digit, '0a'),
  event: uuid(digit, '0b'),
  entity: uuid(digit, '0c'),
  provider: uuid(digit, '0d'),
  device: uuid(digit, '0e'),
  invitation: uuid(digit, '0f'),
  client: `client-of-${marker}`,
  marker,
});

export type Foreign = ReturnType<typeof tenant>;
export const home = tenant('1', 'alfa');
export const foreign = tenant('2', 'bravo');
/** Nobody's. */
export const unknown = tenant('3', 'zulu');

export interface RouteFixture {
  params?: Record<string, (tenant: Foreign) => string>;
  query?: string | ((tenant: Foreign) => string);
  body?: (tenant: Foreign) => unknown;
  /**
   * `hidden`: as if it were not there, with the same answer as for what is not. `refused`: 403, since it is the deployment's. `list`:
   * answers, with nothing of the other tenant. `own`: reaches nothing but what is the caller's own; covered where it belongs.
   */
  expect: 'hidden' | 'refused' | 'list' | 'own';
}

interface Row {
  method: string;
  path: string;
  spec: { permission: string; params?: TSchema; query?: TSchema; body?: TSchema };
}

const namesSomething = (schema: TSchema | undefined): boolean => /"format":"uuid"|id":\{/i.test(JSON.stringify(schema ?? {}));

/**
 * Routes that may reach something: all that ask for a permission; of those about the caller alone, the ones that take an id. Strangers
 * cannot know a tenant.
 */
export const routes = (rows: readonly Row[]): string[] =>
  rows
    .filter(({ spec: { permission, params, query, body } }) => {
      if (permission === 'public') return false;
      return permission !== 'self' || params !== undefined || namesSomething(query) || namesSomething(body);
    })
    .map(({ method, path }) => `${method.toUpperCase()} ${path}`);

const id = (name: Exclude<keyof Foreign, 'marker'>) => ({ id: (of: Foreign) => of[name] });
const role = { role: (of: Foreign) => of.role };
const user = id('user');
const group = { group: (of: Foreign) => of.group };
const organization = { organization: (of: Foreign) => of.organization };
const ruleBody = (of: Foreign) => ({ name: 'mine', roles: [of.role, of.child] });
const policyBody = { name: 'mine', effect: 'deny', target: {}, condition: true };
const hidden = (more: Omit<RouteFixture, 'expect'>): RouteFixture => ({ ...more, expect: 'hidden' });
const list: RouteFixture = { expect: 'list', query: '?limit=200' };
const refused: RouteFixture = { expect: 'refused' };
const provider = { name: 'mine', kind: 'github', clientId: 'mine', clientSecret: 'a secret' };
const question = (of: Foreign) => ({
  subject: { type: 'user', id: of.user },
  action: { name: 'read' },
  resource: { type: of.marker, id: '1', properties: { organizationId: of.organization } },
});

export const fixtures: Record<string, RouteFixture> = {
  'GET /api/v1/rbac/roles': list,
  'POST /api/v1/rbac/roles': hidden({ body: (of) => ({ name: 'mine', parents: [of.role] }) }),
  'GET /api/v1/rbac/roles/:role': hidden({ params: role }),
  'PUT /api/v1/rbac/roles/:role': hidden({ params: role, body: () => ({ name: 'mine' }) }),
  'DELETE /api/v1/rbac/roles/:role': hidden({ params: role }),
  'GET /api/v1/rbac/roles/:role/members': hidden({ params: role }),
  'POST /api/v1/rbac/roles/:role/members': hidden({ params: role, body: (of) => ({ userIds: [of.user] }) }),
  'GET /api/v1/rbac/permissions': { expect: 'own' },
  'POST /api/v1/rbac/permissions': { expect: 'refused', body: () => ({ name: 'everything:read:any' }) },
  'DELETE /api/v1/rbac/permissions/:permission': { expect: 'refused', params: { permission: (of) => of.permission } },
  'GET /api/v1/rbac/users/:id/roles': hidden({ params: user }),
  'POST /api/v1/rbac/users/:id/roles': hidden({ params: user, body: () => ({ role: home.role }) }),
  'DELETE /api/v1/rbac/users/:id/roles/:role': hidden({ params: { ...user, ...role } }),
  'GET /api/v1/rbac/users/:id/effective': hidden({ params: user }),
  'GET /api/v1/rbac/users/:id/permissions': hidden({ params: user }),
  'POST /api/v1/rbac/users/:id/permissions': { expect: 'refused', params: user, body: () => ({ permission: 'user:read:any' }) },
  'DELETE /api/v1/rbac/users/:id/permissions/:permission': {
    expect: 'refused',
    params: { ...user, permission: (of) => of.permission },
  },
  'GET /api/v1/rbac/groups/:group/roles': hidden({ params: group }),
  'POST /api/v1/rbac/groups/:group/roles': hidden({ params: group, body: () => ({ role: home.role }) }),
  'DELETE /api/v1/rbac/groups/:group/roles/:role': hidden({ params: { ...group, ...role } }),
  'GET /api/v1/rbac/sod-rules': list,
  'POST /api/v1/rbac/sod-rules': hidden({ body: ruleBody }),
  'GET /api/v1/rbac/sod-rules/conflicts': list,
  'GET /api/v1/rbac/sod-rules/:id': hidden({ params: id('rule') }),
  'PUT /api/v1/rbac/sod-rules/:id': hidden({ params: id('rule'), body: () => ruleBody(home) }),
  'DELETE /api/v1/rbac/sod-rules/:id': hidden({ params: id('rule') }),

  'GET /api/v1/authz/policies': list,
  'POST /api/v1/authz/policies': hidden({ body: (of) => ({ ...policyBody, organizationId: of.organization }) }),
  'GET /api/v1/authz/policies/:id': hidden({ params: id('policy') }),
  'PUT /api/v1/authz/policies/:id': hidden({ params: id('policy'), body: () => policyBody }),
  'GET /api/v1/authz/policies/:id/versions': hidden({ params: id('policy') }),
  'POST /api/v1/authz/policies/:id/test': hidden({ params: id('policy'), body: () => ({}) }),
  'POST /api/v1/authz/policies/:id/dry-run': hidden({ params: id('policy'), body: () => ({}) }),
  'POST /api/v1/authz/policies/:id/activate': hidden({ params: id('policy') }),
  'POST /api/v1/authz/policies/:id/archive': hidden({ params: id('policy') }),
  'GET /api/v1/authz/entities': list,
  'PUT /api/v1/authz/entities': hidden({
    body: (of) => ({ entities: [{ type: 'letter', id: '1' }], organizationId: of.organization }),
  }),
  'DELETE /api/v1/authz/entities/:id': hidden({ params: id('entity') }),
  'POST /api/v1/authz/check': {
    expect: 'list',
    body: (of) => ({ subject: { id: of.user }, action: 'read', resource: { type: of.marker }, explain: true }),
  },
  'POST /api/v1/authz/filter': {
    expect: 'list',
    body: (of) => ({ subject: { id: of.user }, action: 'read', resource: { type: of.marker } }),
  },
  'POST /access/v1/evaluation': { expect: 'list', body: question },
  'POST /access/v1/evaluations': { expect: 'list', body: (of) => ({ ...question(of), evaluations: [{}] }) },
  'POST /access/v1/search/subject': { expect: 'list', body: (of) => ({ ...question(of), subject: { type: 'user' } }) },
  'POST /access/v1/search/resource': {
    expect: 'list',
    body: (of) => ({ ...question(of), subject: { type: 'user', id: home.user }, resource: { type: of.marker } }),
  },
  'POST /access/v1/search/action': { expect: 'list', body: question },

  'GET /api/v1/audit/events': list,
  'GET /api/v1/audit/events/:id': hidden({ params: id('event') }),

  'GET /api/v1/clients': list,
  'POST /api/v1/clients': hidden({ body: (of) => ({ client_name: 'mine', organization_id: of.organization }) }),
  'GET /api/v1/clients/:id': hidden({ params: id('client') }),
  'PUT /api/v1/clients/:id': hidden({ params: id('client'), body: () => ({ client_name: 'mine' }) }),
  'DELETE /api/v1/clients/:id': hidden({ params: id('client') }),
  'POST /api/v1/clients/:id/disable': hidden({ params: id('client') }),
  'POST /api/v1/clients/:id/enable': hidden({ params: id('client') }),
  'POST /api/v1/clients/:id/secrets': hidden({ params: id('client'), body: () => ({}) }),
  'DELETE /api/v1/clients/:id/secrets/:secretId': hidden({ params: { ...id('client'), secretId: (of) => of.secret } }),
  'GET /api/v1/registration-tokens': refused,
  'POST /api/v1/registration-tokens': { expect: 'refused', body: () => ({ name: 'mine' }) },
  'DELETE /api/v1/registration-tokens/:id': { expect: 'refused', params: id('event') },
  // Resource servers are the deployment's: everybody who makes clients may know their names.
  'GET /api/v1/resources': list,
  'POST /api/v1/resources': { expect: 'refused', body: () => ({ identifier: 'https://api.example.test', name: 'Mine' }) },
  'GET /api/v1/resources/:id': hidden({ params: id('event') }),
  'PUT /api/v1/resources/:id': { expect: 'refused', params: id('event'), body: () => ({ name: 'Mine' }) },
  'DELETE /api/v1/resources/:id': { expect: 'refused', params: id('event') },
  'GET /api/v1/keys': refused,
  'POST /api/v1/keys/rotate': { expect: 'refused', body: () => ({}) },
  'POST /api/v1/keys/:kid/retire': { expect: 'refused', params: { kid: () => 'any' } },
  'POST /api/v1/revocations': hidden({ body: (of) => ({ organizationId: of.organization }) }),
  'POST /api/v1/keys/:kid/withdraw': { expect: 'refused', params: { kid: () => 'any' } },

  'GET /api/v1/sessions': { expect: 'refused', query: (of) => `?userId=${of.user}` },
  'DELETE /api/v1/sessions/:id': hidden({ params: id('session') }),
  'DELETE /api/v1/sessions': { expect: 'refused', query: (of) => `?userId=${of.user}` },

  'GET /api/v1/mfa/policies': refused,
  'PUT /api/v1/mfa/policies': {
    expect: 'refused',
    body: (of) => ({ scope: 'organization', target: of.organization, requirement: 'off' }),
  },
  'DELETE /api/v1/mfa/policies': { expect: 'refused', query: (of) => `?scope=organization&target=${of.organization}` },
  'POST /api/v1/mfa/users/:id/reset': { expect: 'refused', params: id('user'), body: () => ({ reason: 'lost' }) },
  'PATCH /api/v1/mfa/devices/:id': hidden({ params: id('device'), body: () => ({ name: 'Mine' }) }),
  'DELETE /api/v1/mfa/devices/:id': hidden({ params: id('device') }),
  'POST /api/v1/mfa/totp/verify': hidden({ body: (of) => ({ deviceId: of.device, code: '123456' }) }),
  'POST /api/v1/mfa/email/verify': hidden({ body: (of) => ({ deviceId: of.device, code: '123456' }) }),
  'POST /api/v1/mfa/sms/verify': hidden({ body: (of) => ({ deviceId: of.device, code: '123456' }) }),
  // The id is the new passkey's own.
  'POST /api/v1/mfa/webauthn': { expect: 'own' },
  'DELETE /api/v1/auth/social/:id': hidden({ params: id('device') }),

  'GET /api/v1/identity/users': { expect: 'list', query: (of) => `?organizationId=${of.organization}&limit=200` },
  'POST /api/v1/identity/users': hidden({ body: (of) => ({ email: 'new@example.test', organizationId: of.organization }) }),
  'GET /api/v1/identity/users/:id': hidden({ params: user }),
  'PUT /api/v1/identity/users/:id': hidden({ params: user, body: () => ({ name: 'Mine' }) }),
  'DELETE /api/v1/identity/users/:id': { expect: 'refused', params: user },
  'GET /api/v1/identity/users/:id/profile': hidden({ params: user }),
  'PUT /api/v1/identity/users/:id/profile': hidden({ params: user, body: () => ({ name: 'Mine' }) }),
  'GET /api/v1/identity/organizations': list,
  'POST /api/v1/identity/organizations': { expect: 'refused', body: (of) => ({ name: 'Mine', parent: of.organization }) },
  'GET /api/v1/identity/organizations/:organization': hidden({ params: organization }),
  'PUT /api/v1/identity/organizations/:organization': hidden({ params: organization, body: () => ({ name: 'Mine' }) }),
  'GET /api/v1/identity/organizations/:organization/members': hidden({ params: organization }),
  'POST /api/v1/identity/organizations/:organization/members': hidden({
    params: organization,
    body: () => ({ userId: home.user }),
  }),
  'DELETE /api/v1/identity/organizations/:organization/members/:userId': hidden({
    params: { ...organization, userId: (of) => of.user },
  }),
  'GET /api/v1/identity/groups': list,
  'POST /api/v1/identity/groups': hidden({ body: (of) => ({ name: 'mine', organizationId: of.organization }) }),
  'GET /api/v1/identity/groups/:group': hidden({ params: group }),
  'PUT /api/v1/identity/groups/:group': hidden({ params: group, body: () => ({ name: 'mine' }) }),
  'DELETE /api/v1/identity/groups/:group': hidden({ params: group }),
  'GET /api/v1/identity/groups/:group/members': hidden({ params: group }),
  'POST /api/v1/identity/groups/:group/members': hidden({ params: group, body: () => ({ userId: home.user }) }),
  'PUT /api/v1/identity/groups/:group/members/:userId': hidden({
    params: { ...group, userId: (of) => of.user },
    body: () => ({ role: 'lead' }),
  }),
  'DELETE /api/v1/identity/groups/:group/members/:userId': hidden({ params: { ...group, userId: (of) => of.user } }),
  // The rows' identifiers have the ids of their people.
  'POST /api/v1/identity/identifiers/:id/primary': hidden({ params: user }),
  'DELETE /api/v1/identity/identifiers/:id': hidden({ params: user }),
  'GET /api/v1/identity/invitations': list,
  'POST /api/v1/identity/invitations': hidden({ body: (of) => ({ email: 'new@example.test', organizationId: of.organization }) }),
  'POST /api/v1/identity/invitations/:id/resend': hidden({ params: id('invitation') }),
  'DELETE /api/v1/identity/invitations/:id': hidden({ params: id('invitation') }),
  'GET /api/v1/identity/registrations': refused,
  'POST /api/v1/identity/registrations/:id/approve': { expect: 'refused', params: user },
  'POST /api/v1/identity/registrations/:id/reject': { expect: 'refused', params: user },
  'DELETE /api/v1/grants/:clientId': hidden({ params: { clientId: (of) => of.client } }),
  'GET /api/v1/identity/terms': refused,
  'POST /api/v1/identity/terms': { expect: 'refused', body: () => ({ version: '1', texts: { en: 'Mine' } }) },
  'POST /api/v1/identity/users/:id/deactivate': { expect: 'refused', params: user },
  'POST /api/v1/identity/users/:id/reactivate': { expect: 'refused', params: user },

  'GET /api/v1/identity-providers': list,
  'POST /api/v1/identity-providers': hidden({ body: (of) => ({ ...provider, organizationId: of.organization }) }),
  'GET /api/v1/identity-providers/:id': hidden({ params: id('provider') }),
  'PUT /api/v1/identity-providers/:id': hidden({ params: id('provider'), body: () => provider }),
  'DELETE /api/v1/identity-providers/:id': hidden({ params: id('provider') }),
};
