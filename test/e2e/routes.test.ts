import type { TSchema } from '@sinclair/typebox';
import { expect } from 'chai';
import { type Call, callerWith, enforcer, machineToken, personCalls } from '../support/callers.ts';
import { createTestClock } from '../support/clock.ts';
import { type Stand, startStand } from '../support/stand.ts';

const person = { email: 'person@example.test', password: 'correct horse battery staple' };
const root = { email: 'root@example.test', password: 'correct horse battery staple' };
const id = '01890000-0000-7000-8000-00000000aaaa';
const cursor = (place: unknown): string => Buffer.from(JSON.stringify(place)).toString('base64url');

interface Row {
  method: string;
  path: string;
  spec: { permission: string; scope?: unknown; params?: TSchema; query?: TSchema; body?: TSchema };
}
interface Wrong {
  what: string;
  method?: string;
  path?: string;
  query?: string;
  body?: string;
  headers?: Record<string, string>;
  status: number[];
  /** Where the mistake is, as the answer has to say. */
  at?: string[];
}

const isTyped = (schema: TSchema): boolean => schema.type !== undefined;
const properties = (schema: TSchema | undefined): [string, TSchema][] => Object.entries(schema?.properties ?? {});
// AuthZEN 1.0 §5: a request may hold more than we know.
const isClosed = (schema: TSchema): boolean => schema.additionalProperties === false;

/** Cursors of other lists: one by a text takes some of them for its own. */
const foreignCursors = [['2020-02-31T00:00:00Z', id], ['x'], ['x', id], ['2020-01-01T00:00:00Z', 'x']].map(cursor);

const badValues = (name: string, schema: TSchema): string[] => {
  if (name === 'cursor') {
    return ['%FF', 'x'.repeat(600), ...[[], { 0: 'a' }, ['\u0000', '\u0000'], [1, 2]].map(cursor)];
  }
  if (schema.type === 'integer') return ['1e309', '-1', 'abc', '9'.repeat(30)];
  if (schema.format === 'date-time') return ['2020-02-31T00:00:00Z', '2020-01-01T23:59:60Z', '0000-01-01T00:00:00Z', 'yesterday'];
  if (schema.format === 'uuid') return ['null', `${id}x`];
  return ['%00', 'a%00b'];
};

const wrongQueries = ({ query }: Row['spec']): Wrong[] => [
  { what: 'an unknown parameter', query: 'nope=1', status: [400], at: ['query/nope'] },
  { what: 'a repeated parameter', query: 'nope=1&nope=2', status: [400], at: ['query/nope'] },
  ...(query?.properties.cursor ? foreignCursors : []).map((value) => ({
    what: `cursor=${value}`,
    query: `cursor=${value}`,
    status: [200, 400],
  })),
  ...properties(query).flatMap(([name, schema]) =>
    badValues(name, schema).map((value) => ({
      what: `${name}=${value.slice(0, 40)}`,
      query: `${name}=${value}`,
      status: [400],
      at: [`query/${name}`],
    })),
  ),
];

const wrongBodies = ({ method, spec: { body } }: Row): Wrong[] => {
  if (method === 'get') return [];
  if (!body) return [{ what: 'a body where none is taken', body: '{"nope":1}', status: [400] }];
  const typed = properties(body).filter(([, schema]) => isTyped(schema));
  const swapped = typed.map(([name, { type }]) => [name, type === 'object' ? 'text' : { $ne: 1 }]);
  return [
    { what: 'malformed JSON', body: '{"a":', status: [400] },
    { what: 'null', body: 'null', status: [400] },
    { what: 'a list', body: '[]', status: [400] },
    { what: 'text', body: '{}', headers: { 'content-type': 'text/plain' }, status: [415] },
    { what: 'NUL', body: '{"nope":"a\\u0000b"}', status: [400], at: ['/nope'] },
    ...(isClosed(body) ? [{ what: 'an unknown field', body: '{"nope":1}', status: [400], at: ['/nope'] }] : []),
    ...(typed.length === 0
      ? []
      : [
          {
            what: 'the wrong types',
            body: JSON.stringify(Object.fromEntries(swapped)),
            status: [400],
            at: typed.slice(0, 5).map(([name]) => `/${name}`),
          },
        ]),
  ];
};

/** What the server says and nobody's body does. */
const owned = {
  createdAt: '2020-01-01T00:00:00Z',
  emailVerified: true,
  id,
  isSystem: true,
  mfaEnabled: false,
  passwordHash: 'x',
  permissions: ['*:*:any'],
  riskScore: 0,
  roles: ['SUPER_ADMIN'],
  version: 9,
};
const foreignFields = ({ method, spec: { body } }: Row): Wrong[] => {
  if (method === 'get' || !body || !isClosed(body)) return [];
  const more = Object.entries(owned).filter(([name]) => body.properties?.[name] === undefined);
  const at = more.map(([name]) => `/${name}`);
  return [{ what: 'fields of the server', body: JSON.stringify(Object.fromEntries(more)), status: [400], at }];
};

const prototypes = ({ method }: Row): Wrong[] =>
  method === 'get'
    ? []
    : [
        '{"__proto__":{"polluted":1}}',
        '{"a":[{"__proto__":{"polluted":1}}]}',
        '{"constructor":{"prototype":{"polluted":1}}}',
      ].map((body) => ({ what: body, body, status: [400] }));

const wrongPlaces = ({ path }: Row): Wrong[] =>
  path.includes(':')
    ? ['%00', '%FF', "'", '..%2F..%2Fx', 'x'.repeat(3000)].map((value) => ({
        what: `${value.slice(0, 20)} as an id`,
        path: path.replace(/:\w+/g, value),
        status: [400, 404],
      }))
    : [];

describe('IN-01 IN-02 IN-03 IN-09 wrong input at every route', function everyRoute() {
  this.timeout(120_000);
  const clock = createTestClock();
  let stand: Stand;
  let rows: readonly Row[];
  let administrator: Call;

  before(async () => {
    stand = await startStand({
      clock,
      bootstrap: { users: [{ ...person, email_verified: true }], clients: [enforcer] },
      env: { BOOTSTRAP_ADMIN_EMAIL: root.email, BOOTSTRAP_ADMIN_PASSWORD: root.password },
    });
    rows = stand.app.rooms.http.rows as readonly Row[];
    administrator = await personCalls(stand, root.email, root.password);
  });
  after(() => stand?.close());

  const plain = (path: string): string => path.replace(/:\w+/g, id);
  const call = (by: Call, row: Row, { method = row.method, path = plain(row.path), query, body, headers }: Wrong) => {
    const address = `${path.startsWith('/api/v1') ? path.slice('/api/v1'.length) : `/../..${path}`}`;
    return by(method.toUpperCase(), `${address}${query === undefined ? '' : `?${query}`}`, body, { 'if-match': '*', ...headers });
  };
  /** Every row of every table, but for what tells of the calls themselves. */
  const counts = async (): Promise<Record<string, number>> => {
    const { rows: tables } = await stand.database.knex.raw(
      `select relname from pg_stat_user_tables
        where has_table_privilege(relid, 'select') and relname !~ '^audit_events|failure|attempt|idempot' order by 1`,
    );
    const entries: [string, number][] = [];
    for (const { relname } of tables as { relname: string }[]) {
      const { rows: counted } = await stand.database.transaction(async (trx) => {
        await trx.raw(`select set_config('app.tenants', '*', true)`);
        return await trx.raw(`select count(*)::int as n from ${relname}`);
      });
      entries.push([relname, counted[0].n]);
    }
    return Object.fromEntries(entries);
  };
  const mistakes = async (by: Call, wrongs: (row: Row) => Wrong[]): Promise<string[]> => {
    const found: string[] = [];
    for (const row of rows) {
      const answers = wrongs(row).map(async (wrong) => {
        const { status, headers, json } = await call(by, row, wrong);
        const named: string[] = (json?.errors ?? []).map((error: { path: string }) => error.path);
        const isProblem =
          status < 400 ||
          (headers.get('content-type')?.startsWith('application/problem+json') && json.correlationId !== undefined);
        const isNamed = (wrong.at ?? []).every((path) => named.includes(path));
        if (!wrong.status.includes(status) || !isProblem || !isNamed) {
          found.push(`${row.method} ${row.path}, ${wrong.what}: ${status} ${JSON.stringify(json)?.slice(0, 300)}`);
        }
      });
      await Promise.all(answers);
    }
    return found;
  };

  it('refuses it with a problem that names the place, and does nothing', async () => {
    const before = await counts();
    const found = await mistakes(administrator, (row) => [...wrongQueries(row.spec), ...wrongBodies(row), ...wrongPlaces(row)]);
    expect(found.join('\n')).to.equal('');
    expect(await counts()).to.deep.equal(before);
  });

  it('names the methods a path has (RFC 9110 §15.5.6)', async () => {
    const matching = (path: string): Row[] =>
      rows.filter((row) => new RegExp(`^${row.path.replace(/:\w+/g, '[^/]+')}$`).test(plain(path)));
    for (const row of rows) {
      const has = matching(row.path).map(({ method }) => method.toUpperCase());
      const method = ['PATCH', 'PUT', 'DELETE', 'POST'].find((one) => !has.includes(one)) ?? 'PROPFIND';
      const { status, headers } = await call(administrator, row, { what: '', method, status: [] });
      expect(status, `${method} ${row.path}`).to.equal(405);
      expect(headers.get('allow')?.split(', '), row.path).to.include.members(has);
    }
  });

  it('asks for a token first (RFC 6750 §3)', async () => {
    const nobody = callerWith(stand, undefined);
    for (const row of rows.filter(({ spec }) => spec.permission !== 'public')) {
      const { status, headers } = await call(nobody, row, { what: '', query: 'nope=1', status: [] });
      expect(status, row.path).to.equal(401);
      expect(headers.get('www-authenticate'), row.path).to.match(/^Bearer /);
    }
  });

  it('AZ-02 takes no field that is the server’s to say, at any route, and says so by name', async () => {
    expect((await mistakes(administrator, foreignFields)).join('\n')).to.equal('');
  });

  it('IN-04 lets nobody reach a prototype by a body, at any route', async () => {
    expect((await mistakes(administrator, prototypes)).join('\n')).to.equal('');
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });

  it('AZ-01 AZ-09 refuses at each route who lacks the permission, a token of another scope and one that has ended', async () => {
    const asPerson = await personCalls(stand, person.email, person.password);
    const machine = callerWith(stand, await machineToken(stand));
    const { json } = await asPerson('GET', '/auth/me');
    const held = new Set((json.permissions as string[]).map((name) => name.replace(/:\w+$/, '')));
    const found: string[] = [];
    const refused = async (by: Call, row: Row, wanted: (answer: Awaited<ReturnType<Call>>) => boolean) => {
      const answer = await call(by, row, { what: '', status: [] });
      if (!wanted(answer)) found.push(`${row.method} ${row.path}: ${answer.status} ${JSON.stringify(answer.json)}`);
    };
    const guarded = rows.filter(({ spec }) => spec.permission !== 'public');
    const others = guarded.filter(({ spec }) => spec.permission.includes(':') && !held.has(spec.permission));
    expect(others.length).to.be.greaterThan(60);
    for (const row of others)
      await refused(asPerson, row, ({ status, json: said }) => status === 403 && said.permission.startsWith(row.spec.permission));
    const ofMachines = (scope: unknown): boolean => [scope].flat().includes('authz');
    for (const row of guarded.filter(({ spec }) => !ofMachines(spec.scope)))
      await refused(machine, row, ({ status, json: said }) => status === 403 && said.type.endsWith(':insufficient_scope'));
    clock.advance(901);
    for (const row of guarded) await refused(asPerson, row, ({ status }) => status === 401);
    expect(found.join('\n')).to.equal('');
    const asRoot = await personCalls(stand, root.email, root.password);
    const denied = await asRoot('GET', `/audit/events?type=api.denied&actor=${json.user.id}&limit=200`);
    const told = denied.json.items.map(({ details }: { details: { permission: string } }) =>
      details.permission.replace(/:any$/, ''),
    );
    expect(told.sort(), 'in the log').to.deep.equal(others.map(({ spec }) => spec.permission).sort());
  });
});
