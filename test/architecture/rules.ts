import type { IFlattenedRuleSet } from 'dependency-cruiser';

/** STYLE "Imports": which rooms a room may import beside `platform`. */
const edges: Record<string, readonly string[]> = {
  platform: [],
  audit: [],
  identity: [],
  sessions: ['identity'],
  risk: ['identity', 'sessions'],
  authz: ['identity'],
  authn: ['identity', 'sessions', 'risk'],
  oidc: ['identity', 'sessions', 'authz'],
  interactions: ['oidc', 'authn', 'identity', 'sessions', 'risk'],
  governance: ['identity', 'authz', 'risk', 'audit'],
  compliance: ['identity', 'sessions', 'authz', 'audit', 'governance', 'risk'],
};
export const rooms = Object.keys(edges);
const openRooms = ['consoles', 'cli'];

const edgeRules = rooms.map((room) => ({
  name: `edges-${room}`,
  severity: 'error' as const,
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: ['platform', room, ...(edges[room] ?? [])].map((allowed) => `^src/${allowed}/`) },
}));

const publicEntryRules = [...rooms.filter((room) => room !== 'platform'), ...openRooms].map((room) => ({
  name: `public-entry-only-${room}`,
  severity: 'error' as const,
  from: { path: '^(src|conformance|docs|seeds)/', pathNot: `^src/${room}/` },
  to: { path: `^src/${room}/`, pathNot: `^src/${room}/index\\.ts$` },
}));

const onlyFrom = (name: string, module: string, allowed: string[], typesAllowed: string[] = []) => [
  {
    name,
    severity: 'error' as const,
    from: { path: '^src/', pathNot: [...allowed, ...typesAllowed] },
    to: { path: `^node_modules/(@types/)?${module}(/|$)` },
  },
];

export const boundaries: IFlattenedRuleSet = {
  forbidden: [
    ...edgeRules,
    ...publicEntryRules,
    {
      name: 'public-entry-only-platform',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/' },
      to: { path: '^src/platform/', pathNot: ['^src/platform/[^/]+/index\\.ts$', '^src/platform/ports\\.ts$'] },
    },
    {
      name: 'public-entry-only-platform-parts',
      severity: 'error',
      from: { path: '^src/platform/([^/]+)/' },
      to: {
        path: '^src/platform/',
        pathNot: ['^src/platform/$1/', '^src/platform/[^/]+/index\\.ts$', '^src/platform/ports\\.ts$'],
      },
    },
    { name: 'no-circular', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    ...onlyFrom(
      'knex-in-repositories',
      'knex',
      ['repository\\.ts$', '^src/platform/(db|jobs|events)/', '^src/oidc/adapters/', '^src/audit/'],
      ['index\\.ts$', '^src/app\\.ts$'],
    ),
    ...onlyFrom('koa-at-the-edge', 'koa', [
      'routes\\.ts$',
      'page\\.ts$',
      '^src/platform/http/',
      '^src/app\\.ts$',
      '^src/oidc/(provider|protocol)/',
    ]),
    ...onlyFrom('oidc-provider-in-oidc', 'oidc-provider', ['^src/oidc/']),
    {
      name: 'oidc-provider-public-exports',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^node_modules/oidc-provider/lib/(?!index\\.js)' },
    },
  ],
};
