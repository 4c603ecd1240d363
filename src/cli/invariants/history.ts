import { eventFor, now, type Rule, recorded } from './rule.ts';

/** N-01: what can be told by the rows afterwards; that each is spent by one conditional UPDATE is tested by racing. */
const singleUse: Rule[] = [
  {
    id: 'N-01',
    breach: 'a spent refresh token of which more than one came',
    sql: `with families as (
        select client_id, grant_id, session_uid, payload->>'iiat' as begun, coalesce(cast(payload->>'rotations' as integer), 0) as turn,
          consumed_at, expires_at
        from oidc_artifacts where kind = 'RefreshToken')
      select min(t.client_id) as found from families t where t.turn > 0 and t.expires_at > ${now} + interval '5 minutes'
      group by t.grant_id, t.session_uid, t.begun, t.turn
      having count(*) > (select count(*) from families b where b.consumed_at is not null and b.grant_id = t.grant_id
        and b.session_uid is not distinct from t.session_uid and b.begun = t.begun and b.turn = t.turn - 1)`,
  },
  {
    id: 'N-01',
    breach: 'an invitation that was accepted twice',
    sql: `select target_id as found from audit_events where type = 'identity.invitation_accepted' and outcome = 'success'
      group by target_id having count(*) > 1`,
  },
  {
    id: 'N-01',
    breach: 'a mailed code or link that was tried more often than it may be',
    sql: `select cast(id as text) as found from tickets where tries > 5
      union all select left(id, 8) from authentication_flows where code_tries > 5`,
  },
];

/** What has an event when it is made, and one when it goes. */
const told = [
  {
    what: 'an account',
    table: 'users u',
    type: 'identity.user_created',
    match: 'e.subject_id = u.id',
    found: 'cast(u.id as text)',
  },
  {
    what: 'a client',
    table: `(select * from clients where source <> 'builtin') u`,
    type: 'client.created',
    match: `e.target_type = 'client' and e.target_id = u.client_id`,
    found: 'u.client_id',
  },
  {
    what: 'a resource',
    table: `(select * from resources where source <> 'builtin') u`,
    type: 'resource.created',
    match: `e.target_type = 'resource' and e.target_id = u.identifier`,
    found: 'u.identifier',
  },
  {
    what: 'a key',
    table: 'signing_keys u',
    type: ['key.created', 'key.activated'],
    match: 'e.target_id = u.kid',
    found: 'u.kid',
  },
  {
    what: 'a session',
    table: 'sessions u',
    type: 'session.started',
    match: 'e.session_uid = u.session_uid',
    found: 'cast(u.id as text)',
  },
  {
    what: 'an invitation',
    table: 'invitations u',
    type: 'identity.invitation_created',
    match: `e.target_type = 'invitation' and e.target_id = cast(u.id as text)`,
    found: 'cast(u.id as text)',
  },
] as const;

const gone = [
  {
    what: 'client',
    created: 'client.created',
    deleted: 'client.deleted',
    row: 'select 1 from clients r where r.client_id = c.target_id',
  },
  {
    what: 'resource',
    created: 'resource.created',
    deleted: 'resource.deleted',
    row: 'select 1 from resources r where r.identifier = c.target_id',
  },
] as const;

const history: Rule[] = [
  ...told.map(
    ({ what, table, type, match, found }): Rule => ({
      id: 'N-02',
      breach: `${what} without the event that tells of it`,
      sql: `select ${found} as found from ${table} where ${recorded('u.created_at')} and not ${eventFor(type, match)}`,
    }),
  ),
  ...gone.map(
    ({ what, created, deleted, row }): Rule => ({
      id: 'N-02',
      breach: `an event that tells of a ${what} which is not there`,
      sql: `select c.target_id as found from audit_events c where c.type = '${created}' and c.outcome = 'success' and not exists (${row})
        and not ${eventFor(deleted, 'e.target_id = c.target_id and e.occurred_at >= c.occurred_at')}`,
    }),
  ),
  {
    id: 'N-02',
    breach: 'a session that ended without the event that tells of it',
    sql: `select cast(u.id as text) as found from sessions u where u.ended_at is not null and ${recorded('u.ended_at')}
      and not ${eventFor('session.ended', 'e.session_uid = u.session_uid')}`,
  },
];

const ended: Rule[] = [
  {
    id: 'N-03',
    breach: 'an account that is out of use and whose earlier tokens are not',
    sql: `select cast(id as text) as found from users where status in ('deactivated', 'locked', 'deleted') and revoked_before is null`,
  },
  {
    id: 'N-03',
    breach: 'a client that is disabled and whose earlier tokens are not',
    sql: `select client_id as found from clients where disabled_at is not null and revoked_before is null`,
  },
  {
    id: 'N-03',
    breach: 'a withdrawn key that signs',
    sql: `select e.target_id as found from audit_events e join signing_keys k on k.kid = e.target_id
      where e.type = 'key.withdrawn' and k.state <> 'withdrawn'`,
  },
];

const rights: Rule[] = [
  {
    id: 'N-04',
    breach: 'a role that somebody has and nobody gave',
    sql: `select cast(u.id as text) as found from user_roles u where ${recorded('u.created_at')}
      and not ${eventFor('rbac.role_assigned', 'e.subject_id = u.user_id and e.target_id = cast(u.role_id as text)')}`,
  },
  {
    id: 'N-04',
    breach: 'a permission that somebody has and nobody gave',
    sql: `select cast(u.id as text) as found from user_permissions u where ${recorded('u.created_at')}
      and not ${eventFor('rbac.permission_granted', 'e.subject_id = u.user_id')}`,
  },
  {
    id: 'N-04',
    breach: 'a role that a group has and nobody gave',
    sql: `select cast(u.group_id as text) as found from group_roles u where ${recorded('u.created_at')}
      and not ${eventFor('rbac.group_role_granted', 'e.target_id = cast(u.group_id as text)')}`,
  },
];

/** What was done and what tells of it. */
export const historyRules: readonly Rule[] = [...singleUse, ...history, ...ended, ...rights];
