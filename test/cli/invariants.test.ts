import { expect } from 'chai';
import type { Finding } from '../../src/cli/checks/finding.ts';
import { invariantFindings } from '../../src/cli/invariants/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { personCalls } from '../support/callers.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };
const password = 'plum-orbit-cabin-41';
const id = (digit: string): string => `01900000-0000-7000-8000-00000000000${digit}`;
const user = (digit: string, status = 'active'): string =>
  `insert into users (id, status, created_at, updated_at) values ('${id(digit)}', '${status}', now(), now())`;
const organization = (digit: string): string =>
  `insert into organizations (id, name, slug, created_at, updated_at) values ('${id(digit)}', 'o${digit}', 'o${digit}', now(), now())`;
const role = (digit: string, organizationDigit: string): string =>
  `insert into roles (id, organization_id, name, created_at, updated_at) values ('${id(digit)}', '${id(organizationDigit)}', 'r${digit}', now(), now())`;
const event = (type: string, target: string): string =>
  `insert into audit_events (id, occurred_at, type, outcome, actor_type, target_type, target_id)
   values (gen_random_uuid(), now(), '${type}', 'success', 'system', 'client', '${target}')`;

const client = `insert into clients (client_id, name, metadata, source, created_at, updated_at) values ('other', 'o', '{}', 'admin', now(), now())`;
const endOfSession = 'update sessions set ended_at = now() where ended_at is null';

/** Each breaks one rule, and is found by its words. */
const breaches: [string, RegExp, string[]][] = [
  [
    'N-01',
    /refresh token of which more than one came/,
    [
      `insert into oidc_artifacts select kind, id || 'x', payload, account_id, client_id, grant_id, session_uid, lookup, null, expires_at, created_at
       from oidc_artifacts where kind = 'RefreshToken' and payload->>'rotations' = '1'`,
    ],
  ],
  [
    'N-01',
    /invitation that was accepted twice/,
    [event('identity.invitation_accepted', 'i'), event('identity.invitation_accepted', 'i')],
  ],
  ['N-01', /tried more often/, ['update tickets set tries = 6']],
  ['N-02', /an account without the event/, [user('1')]],
  ['N-02', /a client without the event/, [client]],
  ['N-02', /event that tells of a client/, [event('client.created', 'nowhere')]],
  ['N-02', /event that tells of a resource/, [event('resource.created', 'nowhere')]],
  ['N-02', /a resource without the event/, [`update resources set identifier = identifier || 'x'`]],
  ['N-02', /a key without the event/, [`update signing_keys set kid = 'other' where state = 'next' and alg = 'ES256'`]],
  ['N-02', /a session without the event/, [`update sessions set session_uid = session_uid || 'x'`]],
  ['N-02', /an invitation without the event/, [`update invitations set id = gen_random_uuid()`]],
  ['N-02', /a session that ended without/, [endOfSession]],
  ['N-03', /an account that is out of use/, [`update users set status = 'deactivated'`]],
  ['N-03', /a client that is disabled/, [`update clients set disabled_at = now() where client_id = 'web'`]],
  [
    'N-03',
    /a withdrawn key that signs/,
    [
      `insert into audit_events (id, occurred_at, type, outcome, actor_type, target_id)
      select gen_random_uuid(), now(), 'key.withdrawn', 'success', 'system', kid from signing_keys`,
    ],
  ],
  [
    'N-04',
    /a role that somebody has/,
    [
      `insert into user_roles (id, user_id, role_id, created_at) select '${id('1')}', u.id, r.id, now() from users u, roles r where r.name = 'ADMIN' limit 1`,
    ],
  ],
  [
    'N-04',
    /a permission that somebody has/,
    [
      `insert into user_permissions (id, user_id, permission_id, effect, created_at)
      select '${id('1')}', u.id, p.id, 'allow', now() from users u, permissions p limit 1`,
    ],
  ],
  [
    'N-04',
    /a role that a group has/,
    [
      `insert into groups (id, name, created_at, updated_at) values ('${id('1')}', 'g', now(), now())`,
      `insert into group_roles (group_id, role_id, created_at) select '${id('1')}', id, now() from roles limit 1`,
    ],
  ],
  ['N-05', /an account without a way in/, [user('1')]],
  ['N-05', /without its grant/, [`delete from oidc_artifacts where kind = 'Grant'`]],
  [
    'N-05',
    /of which nothing came/,
    [`update oidc_artifacts set consumed_at = now() + interval '1 hour' where kind = 'RefreshToken'`],
  ],
  ['N-05', /whose account is gone/, [`update oidc_artifacts set account_id = '${id('9')}' where kind = 'Session'`]],
  ['N-05', /a client that needs a secret/, ['delete from client_secrets']],
  [
    'N-05',
    /a policy whose version in force/,
    [`insert into policies (id, name, active_version, created_at, updated_at) values ('${id('1')}', 'p', 1, now(), now())`],
  ],
  ['N-06', /a mail that is owed/, ['delete from outbox']],
  ['N-06', /given up at once/, ['update outbox set delivered_at = now(), dead_at = now()']],
  [
    'N-07',
    /counter that counts nothing/,
    [`insert into failure_counters (key, count, window_ends_at) values ('k', 0, now() + interval '1 minute')`],
  ],
  ['N-08', /no active SUPER_ADMIN/, [`update users set status = 'locked' where id in (select user_id from user_roles)`]],
  [
    'N-09',
    /without exactly one key in use/,
    [`update signing_keys set state = 'retired' where state = 'active' and alg = 'RS256'`],
  ],
  [
    'N-09',
    /although all that it signed/,
    [
      `update signing_keys set state = 'retired', retired_at = now() - interval '3 days', expires_at = now() - interval '2 days' where state = 'next'`,
      `insert into jobs (name, next_run_at, started_at) values ('signing-keys', now(), now())
       on conflict (name) do update set started_at = now(), failures = 0`,
    ],
  ],
  ['N-09', /not sealed/, [`update signing_keys set private_jwk_sealed = '{"d":"x"}'`]],
  [
    'N-10',
    /given outside of its organization/,
    [
      organization('1'),
      role('2', '1'),
      `insert into user_roles (id, user_id, role_id, created_at) select '${id('3')}', id, '${id('2')}', now() from users limit 1`,
    ],
  ],
  [
    'N-10',
    /whose member the person is not/,
    [
      organization('1'),
      role('2', '1'),
      `insert into user_roles (id, user_id, role_id, organization_id, created_at)
     select '${id('3')}', id, '${id('2')}', '${id('1')}', now() from users limit 1`,
    ],
  ],
  [
    'N-10',
    /another organization in a role/,
    [
      organization('1'),
      organization('4'),
      role('2', '1'),
      role('3', '4'),
      `insert into role_parents (role_id, parent_id) values ('${id('2')}', '${id('3')}')`,
    ],
  ],
  [
    'N-10',
    /another organization in a group/,
    [
      organization('1'),
      role('2', '1'),
      `insert into groups (id, name, created_at, updated_at) values ('${id('3')}', 'g', now(), now())`,
      `insert into group_roles (group_id, role_id, created_at) values ('${id('3')}', '${id('2')}', now())`,
    ],
  ],
  [
    'N-10',
    /another organization in a rule of duties/,
    [
      organization('1'),
      role('2', '1'),
      `insert into sod_rules (id, name, max_held, created_at, updated_at) values ('${id('3')}', 's', 1, now(), now())`,
      `insert into sod_rule_members (rule_id, role_id) values ('${id('3')}', '${id('2')}')`,
    ],
  ],
  [
    'N-10',
    /below a group of another/,
    [
      organization('1'),
      organization('4'),
      `insert into groups (id, organization_id, name, created_at, updated_at) values ('${id('2')}', '${id('1')}', 'g', now(), now())`,
      `insert into groups (id, organization_id, parent_id, name, created_at, updated_at)
     values ('${id('3')}', '${id('4')}', '${id('2')}', 'g', now(), now())`,
    ],
  ],
];

class Undo extends Error {}

describe('F-11 security-cases §2.1 castellan doctor --invariants', () => {
  let stand: Stand;
  const clock = { now: () => new Date() };
  const failures = async (database: Pick<Database, 'transaction'>): Promise<Finding[]> =>
    (await invariantFindings({ database: database as Database, clock })).filter(({ state }) => state === 'failed');

  before(async () => {
    const resource = { identifier: 'https://orders.example.test', name: 'Orders', scopes: ['read'], accessTokenFormat: 'jwt' };
    const users = [{ email: 'root@example.test', password, email_verified: true, roles: ['SUPER_ADMIN'] }];
    stand = await startStand({ bootstrap: { users, clients: [webClient(web)], resources: [resource] } });
    const flows = createFlows(stand.issuer, web, stand.person);
    const { refresh } = await flows.tokens();
    expect((await flows.refresh(refresh)).status).to.equal(200);
    await flows.tokens({ resource: resource.identifier, scope: 'openid read' });
    const root = await personCalls(stand, 'root@example.test', password);
    const invited = await root('POST', '/identity/invitations', { email: 'guest@example.test' });
    expect(invited.status).to.equal(201);
    expect((await root('POST', '/keys/rotate', {})).status).to.equal(200);
    const { json } = await root('POST', '/clients', { client_name: 'Web', redirect_uris: ['https://a.example.test/'] });
    expect((await root('POST', `/clients/${json.id}/disable`)).status).to.equal(200);
    expect((await root('DELETE', `/clients/${json.id}`)).status).to.equal(204);
    expect((await root('POST', '/auth/logout', { everywhere: true })).status).to.equal(204);
    await root('POST', '/auth/forgot-password', { email: stand.person.login });
  });
  after(() => stand.close());

  it('all hold of a deployment that was used', async () => {
    const findings = await invariantFindings({ database: stand.database, clock });
    expect(findings.filter(({ state }) => state !== 'ok')).to.deep.equal([]);
    expect(findings.map(({ check }) => check)).to.deep.equal(
      Array.from({ length: 10 }, (_, index) => `N-${String(index + 1).padStart(2, '0')}`),
    );
  });

  for (const [invariant, words, statements] of breaches) {
    it(`${invariant} ${String(words).slice(1, -1)}`, async () => {
      let found: Finding[] = [];
      await stand.database
        .transaction(async (trx) => {
          await trx.raw('reset role');
          for (const sql of statements) await trx.raw(sql);
          found = await failures({ transaction: (work) => work(trx) as never });
          throw new Undo();
        })
        .catch((error: unknown) => {
          if (!(error instanceof Undo)) throw error;
        });
      const own = found.find(({ check }) => check === invariant);
      expect(own?.message, JSON.stringify(found)).to.match(words);
    });
  }
});
