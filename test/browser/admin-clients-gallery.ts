/** Applications, APIs and keys in the administration: ordinary, long, empty and failing. */
import { exhibit } from './admin-gallery.ts';
import type { Exhibit } from './gallery.ts';

const at = '2026-11-24T08:57:00.000Z';
const later = '2026-12-24T08:57:00.000Z';
const id = '01939d6e-7f6b-7c3a-9b1e-0c6f1a2b3c4d';
const longName = 'Trung tâm Điều hành Dữ liệu Khách hàng và Báo cáo Nghiệp vụ Liên Tỉnh';
const longAddress = `https://bao-cao.lien-tinh.mien-trung.example.com.vn/${'rat-dai/'.repeat(12)}callback`;
const client = {
  id: 'reports',
  client_id: 'reports',
  client_name: 'Reports',
  client_uri: 'https://reports.example.com',
  source: 'admin',
  verified: true,
  first_party: false,
  organization_id: null,
  disabledAt: null,
  createdAt: at,
  updatedAt: at,
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://reports.example.com/callback'],
  secrets: [
    { id, createdAt: at, expiresAt: null },
    { id: id.replace('01', '02'), createdAt: at, expiresAt: later },
  ],
};
const long = {
  ...client,
  id: 'x'.repeat(60),
  client_id: 'x'.repeat(60),
  client_name: longName,
  source: 'dynamic',
  verified: false,
  disabledAt: at,
  organization_id: id,
  redirect_uris: [longAddress],
  post_logout_redirect_uris: [longAddress],
  token_endpoint_auth_method: 'self_signed_tls_client_auth',
};
const builtin = { ...client, id: 'castellan', client_id: 'castellan', client_name: 'Castellan', source: 'builtin', secrets: [] };
const form = {
  ...client,
  application_type: 'web',
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: longAddress,
  grant_code: true,
  rest: '{\n  "logo_uri": "https://reports.example.com/logo.png"\n}',
};
const methods = ['client_secret_basic', 'private_key_jwt', 'none'];
const grants = ['grant_code', 'grant_refresh', 'grant_client'];
const can = { update: true, delete: true, rotate: true, withdraw: true };
const problem = {
  code: 'client_invalid',
  status: 400,
  title: 'The client metadata is not valid',
  errors: [{ path: '/redirect_uris/0', message: 'scheme javascript is not allowed' }],
  conflicts: [],
};
const holdings = { people: 3, tokens: 12 };
const resource = {
  id,
  identifier: 'https://orders.example.com',
  name: 'Orders',
  scopes: [{ name: 'orders:read', description: 'Read your orders' }, { name: 'orders:write' }],
  accessTokenFormat: 'jwt',
  accessTokenTtlSeconds: 600,
  signingAlg: null,
  introspectionClients: ['reports'],
  accessTokenClaims: [{ source: 'roles', claim: 'roles' }],
  source: 'admin',
  createdAt: at,
  updatedAt: at,
};
const key = (alg: string, state: string) => ({
  kid: 'jl-4KqvbsII0wkRnlZasbHRfXuhVhqlF40Xm_oaCKzg',
  alg,
  state,
  createdAt: at,
  activatedAt: state === 'next' ? null : at,
  retiredAt: null,
  expiresAt: state === 'retired' ? later : null,
});

export const adminClientsGallery: readonly Exhibit[] = [
  exhibit('clients', 'clients', {
    current: 'clients',
    items: [client, long, builtin],
    filters: {},
    chips: [],
    pager: {},
    canCreate: true,
  }),
  exhibit('clients-none', 'clients', { current: 'clients', items: [], filters: {}, chips: [], pager: {}, canCreate: true }),
  exhibit('client', 'client', {
    current: 'clients',
    client,
    form,
    holdings,
    can,
    check: {
      asked: 'https://reports.example.com/callback/',
      verdict: { accepted: false, nearest: { address: client.redirect_uris[0], difference: 'slash' } },
    },
    base: '/admin/clients/reports',
  }),
  exhibit('client-long', 'client', {
    current: 'clients',
    client: long,
    form: { ...form, token_endpoint_auth_method: 'self_signed_tls_client_auth' },
    holdings,
    can,
    check: { asked: longAddress, verdict: { accepted: true } },
    base: '/admin/clients/x',
  }),
  exhibit('client-form', 'client-form', {
    current: 'clients',
    client,
    form,
    methods,
    grants,
    canTrust: true,
    action: '/',
    back: '/',
  }),
  exhibit('client-form-failing', 'client-form', {
    current: 'clients',
    form,
    methods,
    grants,
    canTrust: false,
    action: '/',
    back: '/',
    problem,
  }),
  exhibit('client-rotate', 'client-rotate', {
    current: 'clients',
    client,
    overlaps: [0, 3600, 86_400],
    form: {},
    action: '/',
    back: '/',
  }),
  exhibit('client-secret', 'client-secret', {
    current: 'clients',
    client,
    secret: 'u8Jb0dQf2n3WkP9xY7sLrTzA1cVmEhGiNoRqKtUvXwY',
    back: '/',
  }),
  exhibit('client-delete', 'confirm', {
    current: 'clients',
    key: 'client_delete',
    values: { client: longName },
    facts: [
      ['admin.clients.people', '3'],
      ['admin.clients.tokens', '12'],
    ],
    ask: longName,
    action: '/',
    back: '/',
  }),
  exhibit('resources', 'resources', {
    current: 'resources',
    items: [resource, { ...resource, name: longName, source: 'builtin' }],
    pager: {},
    canCreate: true,
  }),
  exhibit('resource', 'resource', { current: 'resources', resource, can, base: '/admin/resources/1' }),
  exhibit('resource-form', 'resource-form', {
    current: 'resources',
    resource,
    form: { ...resource, scopes: 'orders:read Read your orders' },
    algorithms: ['ES256', 'RS256'],
    action: '/',
    back: '/',
    problem,
  }),
  exhibit('keys', 'keys', {
    current: 'keys',
    items: [key('ES256', 'active'), key('ES256', 'next'), key('ES256', 'retired'), key('RS256', 'active')],
    can,
  }),
  exhibit('key-withdraw', 'confirm', {
    current: 'keys',
    key: 'key_withdraw',
    values: { alg: 'ES256' },
    facts: [['admin.keys.kid', 'jl-4KqvbsII0wkRnlZasbHRfXuhVhqlF40Xm_oaCKzg']],
    ask: 'ES256',
    action: '/',
    back: '/',
  }),
];
