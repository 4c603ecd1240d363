import { now, type Rule, recorded } from './rule.ts';

/** A password, a provider, a passkey, or an address to which a link can be mailed. */
const wayIn = `(exists (select 1 from user_credentials p where p.user_id = u.id)
  or exists (select 1 from social_accounts p where p.user_id = u.id)
  or exists (select 1 from mfa_devices p where p.user_id = u.id and p.kind = 'webauthn' and p.state = 'active')
  or exists (select 1 from identifiers p where p.user_id = u.id and p.type = 'email' and p.login_allowed))`;

const halves: Rule[] = [
  {
    id: 'N-05',
    breach: 'an account without a way in',
    sql: `select cast(u.id as text) as found from users u where u.status = 'active' and not ${wayIn}`,
  },
  {
    id: 'N-05',
    breach: 'a token, code or refresh token without its grant',
    sql: `select t.kind as found from oidc_artifacts t where t.grant_id is not null and t.kind <> 'Grant' and t.expires_at > ${now}
      and not exists (select 1 from oidc_artifacts g where g.kind = 'Grant' and g.id = t.grant_id)`,
  },
  {
    id: 'N-05',
    breach: 'a spent code or refresh token of which nothing came',
    sql: `select t.kind as found from oidc_artifacts t
      where t.consumed_at is not null and t.kind in ('AuthorizationCode', 'RefreshToken') and t.expires_at > ${now}
        and ${recorded('t.consumed_at')} and not exists (select 1 from audit_events e
          where e.client_id = t.client_id and e.type in ('oidc.token.issued', 'oidc.token.refreshed')
            and e.occurred_at between t.consumed_at - interval '5 seconds' and t.consumed_at + interval '10 seconds')`,
  },
  {
    id: 'N-05',
    breach: 'something of the protocol whose account is gone',
    sql: `select t.kind as found from oidc_artifacts t where t.account_id is not null and t.kind <> 'Interaction'
      and t.expires_at > ${now} and not exists (select 1 from users u where u.id = t.account_id)`,
  },
  {
    id: 'N-05',
    breach: 'a client that needs a secret and has none',
    sql: `select c.client_id as found from clients c where c.source <> 'builtin' and c.disabled_at is null
      and coalesce(c.metadata->>'token_endpoint_auth_method', 'client_secret_basic') like 'client_secret_%'
      and not exists (select 1 from client_secrets s where s.client_id = c.client_id and (s.expires_at is null or s.expires_at > ${now}))`,
  },
  {
    id: 'N-05',
    breach: 'a policy whose version in force is not there or not active',
    sql: `select cast(p.id as text) as found from policies p where p.active_version is not null and not exists (
      select 1 from policy_versions v where v.policy_id = p.id and v.number = p.active_version and v.state = 'active')`,
  },
];

/** Events that always owe a letter, be it one that nobody gets. Entries of the outbox are kept for a week. */
const owing = `('identity.invitation_created', 'identity.invitation_resent', 'mfa.code_sent', 'authn.link.requested',
  'authn.password.reset_requested')`;

const owed: Rule[] = [
  {
    id: 'N-06',
    breach: 'a mail that is owed and was never put into the outbox',
    sql: `select e.type as found from audit_events e where e.type in ${owing} and e.outcome = 'success'
      and e.occurred_at > ${now} - interval '6 days' and e.correlation_id is not null
      and not exists (select 1 from outbox o where o.correlation_id = e.correlation_id)`,
  },
  {
    id: 'N-06',
    breach: 'an entry of the outbox that is delivered and given up at once, or held for longer than a lease lasts',
    sql: `select cast(id as text) as found from outbox
      where (delivered_at is not null and (dead_at is not null or locked_until is not null)) or locked_until > ${now} + interval '5 minutes'`,
  },
];

const counters: Rule[] = [
  {
    id: 'N-07',
    breach: 'a counter that counts nothing',
    sql: `select 'failure counter' as found from failure_counters where count < 1
      union all select cast(id as text) from registration_tokens where uses_left < 0`,
  },
];

const administrators: Rule[] = [
  {
    id: 'N-08',
    breach: 'no active SUPER_ADMIN who can sign in',
    sql: `select 'nobody' as found where exists (select 1 from users) and not exists (
      select 1 from users u where u.status = 'active' and ${wayIn} and u.id in (
        select h.user_id from user_roles h join roles r on r.id = h.role_id
          where r.name = 'SUPER_ADMIN' and r.organization_id is null and h.organization_id is null and not h.is_eligible
            and (h.starts_at is null or h.starts_at <= ${now}) and (h.expires_at is null or h.expires_at > ${now})
        union select m.user_id from group_members m join group_roles h on h.group_id = m.group_id join roles r on r.id = h.role_id
          where r.name = 'SUPER_ADMIN' and r.organization_id is null))`,
  },
];

const keys: Rule[] = [
  {
    id: 'N-09',
    breach: 'an algorithm without exactly one key in use',
    sql: `select alg as found from signing_keys where state <> 'withdrawn' group by alg having count(*) filter (where state = 'active') <> 1`,
  },
  {
    id: 'N-09',
    breach: 'an algorithm with more than one key to come',
    sql: `select alg as found from signing_keys where state = 'next' group by alg having count(*) > 1`,
  },
  {
    id: 'N-09',
    breach: 'a key that is published although all that it signed had ended when keys were last looked after',
    sql: `select k.kid as found from signing_keys k join jobs j on j.name = 'signing-keys'
      where k.state = 'retired' and j.failures = 0 and k.expires_at < j.started_at and k.retired_at < j.started_at`,
  },
  {
    id: 'N-09',
    breach: 'a private key that is not sealed',
    sql: `select kid as found from signing_keys
      where private_jwk_sealed like '%{%' or private_jwk_sealed like '%"d"%' or jsonb_exists(public_jwk, 'd') or jsonb_exists(public_jwk, 'k')`,
  },
];

/** Two rows that belong together and say different organizations; a row without one is everybody's. */
const apart = (what: string, rows: string, one: string, other: string, found: string): Rule => ({
  id: 'N-10',
  breach: what,
  sql: `select ${found} as found from ${rows} where ${other} is not null and ${one} is distinct from ${other}`,
});

const tenants: Rule[] = [
  apart(
    'a role that is given outside of its organization',
    'user_roles a join roles b on b.id = a.role_id',
    'a.organization_id',
    'b.organization_id',
    'cast(a.id as text)',
  ),
  {
    id: 'N-10',
    breach: 'a role for an organization whose member the person is not',
    sql: `select cast(a.id as text) as found from user_roles a where a.organization_id is not null and not exists (
      select 1 from organization_members m where m.organization_id = a.organization_id and m.user_id = a.user_id)`,
  },
  apart(
    'a role of another organization in a role',
    'role_parents a join roles c on c.id = a.role_id join roles b on b.id = a.parent_id',
    'c.organization_id',
    'b.organization_id',
    'cast(c.id as text)',
  ),
  apart(
    'a role of another organization in a group',
    'group_roles a join groups c on c.id = a.group_id join roles b on b.id = a.role_id',
    'c.organization_id',
    'b.organization_id',
    'cast(c.id as text)',
  ),
  apart(
    'a group below a group of another organization',
    'groups c join groups b on b.id = c.parent_id',
    'c.organization_id',
    'b.organization_id',
    'cast(c.id as text)',
  ),
  apart(
    'a role of another organization in a rule of duties',
    'sod_rule_members a join sod_rules c on c.id = a.rule_id join roles b on b.id = a.role_id',
    'c.organization_id',
    'b.organization_id',
    'cast(c.id as text)',
  ),
];

/** What is there, beside what else is there. */
export const stateRules: readonly Rule[] = [...halves, ...owed, ...counters, ...administrators, ...keys, ...tenants];
