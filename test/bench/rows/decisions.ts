/** Rows 15, 16 and 18: what a decision, a policy and a token seen before cost within the process. */
import { createMongoAbility, type MongoAbility } from '@casl/ability';
import cedar from '@cedar-policy/cedar-wasm/nodejs';
import { newEnforcer, newModelFromString } from 'casbin';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import jsonLogic from 'json-logic-js';
import { decide } from '../../../src/authz/pdp/decide.ts';
import { compileCondition } from '../../../src/authz/policies/language.ts';
import { policySetOf, targeted } from '../../../src/authz/policies/source.ts';
import { createStructuredTokens } from '../../../src/oidc/tokens/structured.ts';
import { heapBytes, microseconds, timeAll, timeAsync } from '../timing.ts';
import { compileWorld, type GeneratedWorld, generateWorld } from './authorization-world.ts';
import type { Bench, Result, Row } from './row.ts';

const now = Date.now();

const casbinModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act`;

const casbinOf = async ({ users, roles }: GeneratedWorld) => {
  const enforcer = await newEnforcer(newModelFromString(casbinModel));
  const rules = [...roles.values()].flatMap(({ id, permissions }) =>
    permissions.map((name) => [id, ...name.split(':').slice(0, 2)]),
  );
  await enforcer.addPolicies(rules);
  await enforcer.addGroupingPolicies(users.flatMap((user) => user.roles.map((role) => [user.id, role])));
  return enforcer;
};

const heldBy = ({ roles }: GeneratedWorld, user: GeneratedWorld['users'][number]): string[] =>
  user.roles.flatMap((role) => roles.get(role)?.permissions ?? []);

/** Abilities of those who are asked about, made ahead. */
const abilitiesOf = (world: GeneratedWorld): Map<string, MongoAbility> => {
  const asked = new Set(world.questions.map(({ user }) => user));
  const users = world.users.filter(({ id }) => asked.has(id));
  return new Map(
    users.map((user) => {
      const rules = heldBy(world, user).map((name) => {
        const [subject = '', action = ''] = name.split(':');
        return { action, subject };
      });
      return [user.id, createMongoAbility(rules)];
    }),
  );
};

const rbac: Row = {
  id: '15',
  run: async ({ repetitions, seconds }: Bench) => {
    const world = generateWorld();
    const empty = heapBytes();
    const snapshots = compileWorld(world);
    const compiledBytes = (heapBytes() - empty) / world.users.length;
    const policies = policySetOf([]);
    const { questions } = world;
    const at = (index: number) => questions[index % questions.length] as (typeof questions)[number];
    const ours = (index: number): boolean => {
      const { user, resource, action } = at(index);
      const snapshot = snapshots.get(user);
      return snapshot !== undefined && decide(snapshot, policies, { action, resource: { type: resource } }, now).allowed;
    };
    for (const index of questions.keys()) ours(index);
    const entryBytes = (heapBytes() - empty - compiledBytes * world.users.length) / questions.length;
    const sets = new Map(
      world.users.map((user) => [user.id, new Set(heldBy(world, user).map((name) => name.slice(0, name.lastIndexOf(':'))))]),
    );
    const plain = (index: number): boolean => {
      const { user, resource, action } = at(index);
      return sets.get(user)?.has(`${resource}:${action}`) === true;
    };
    const abilities = abilitiesOf(world);
    const casl = (index: number): boolean => {
      const { user, resource, action } = at(index);
      return abilities.get(user)?.can(action, resource) === true;
    };
    const enforcer = await casbinOf(world);
    const asks = (index: number) => {
      const { user, resource, action } = at(index);
      return enforcer.enforce(user, resource, action);
    };
    for (const index of questions.keys()) {
      if (ours(index) !== plain(index) || ours(index) !== casl(index)) throw new Error('they do not decide alike');
    }
    for (let index = 0; index < 20; index += 1) if ((await asks(index)) !== ours(index)) throw new Error('casbin differs');
    const times = timeAll(
      [
        { name: 'ours', once: ours },
        { name: 'plain', once: plain },
        { name: 'casl', once: casl },
      ],
      repetitions,
      seconds / 2,
    );
    const own = times.get('ours') ?? Number.NaN;
    const others: [string, number, number, number][] = [
      ['a plain Map and Set', times.get('plain') ?? 0, 0.1, 0.4],
      ['casbin', await timeAsync(asks, repetitions, seconds / 2), 300, 3000],
      ['@casl/ability, cached', times.get('casl') ?? 0, 1, 3],
    ];
    const memory = `${compiledBytes.toFixed(0)} bytes a subject, and ${entryBytes.toFixed(0)} for each question asked about it`;
    return others.map(([name, time, floor, goal]): Result => {
      const note = `${microseconds(own)} against ${microseconds(time)}${floor === 0.1 ? `; ${memory}` : ''}`;
      return { row: '15', name: `RBAC decision ÷ ${name}`, value: time / own, floor, goal, note };
    });
  },
};

const condition = {
  and: [
    { '==': [{ var: 'action' }, 'approve'] },
    { in: ['clerk', { var: 'subject.roles' }] },
    { '>': [{ var: 'resource.amount' }, 100] },
    { '<': [{ var: 'env.risk' }, 70] },
    { '!=': [{ var: 'subject.department' }, { var: 'resource.department' }] },
  ],
};
const cedarPolicy = `permit(principal, action == Action::"approve", resource) when {
  principal.roles.contains("clerk") && resource.amount > 100 && context.risk < 70 && principal.department != resource.department };`;

const policy: Row = {
  id: '16',
  run: async ({ repetitions, seconds }: Bench) => {
    const holds = compileCondition(condition);
    const cases = Array.from({ length: 256 }, (_, index) => ({
      subject: { roles: ['clerk', 'reader'], department: 'sales' },
      resource: { amount: 50 + index, department: 'legal' },
      action: 'approve',
      actionProperties: {},
      env: { risk: index % 100 },
    }));
    const at = (index: number) => cases[index % cases.length] as (typeof cases)[number];
    if (cedar.preparsePolicySet('bench', { staticPolicies: cedarPolicy }).type !== 'success') throw new Error('cedar refuses');
    const principal = { type: 'User', id: 'one' };
    const object = { type: 'Payment', id: 'one' };
    const calls = cases.map(({ subject, resource, env }) => ({
      principal,
      action: { type: 'Action', id: 'approve' },
      resource: object,
      context: env,
      preparsedPolicySetId: 'bench',
      entities: [
        { uid: principal, attrs: subject, parents: [] },
        { uid: object, attrs: resource, parents: [] },
      ],
    }));
    const cedarAllows = (index: number): boolean => {
      const answer = cedar.statefulIsAuthorized(calls[index % calls.length] as (typeof calls)[number]);
      return answer.type === 'success' && answer.response.decision === 'allow';
    };
    const logic = (index: number): boolean =>
      jsonLogic.apply(condition as Parameters<typeof jsonLogic.apply>[0], at(index)) === true;
    const ours = (index: number): boolean => holds(at(index));
    for (const index of cases.keys()) {
      if (ours(index) !== logic(index) || ours(index) !== cedarAllows(index)) throw new Error('they do not decide alike');
    }
    const set = policySetOf([
      targeted({
        id: 'p',
        name: 'p',
        number: 1,
        effect: 'allow',
        priority: 0,
        organization_id: null,
        target: {},
        condition,
        tests: [],
      }),
    ]);
    const snapshot = compileWorld({ users: [{ id: 'one', roles: [] }], roles: new Map(), questions: [] }).get('one');
    const whole = (index: number): boolean => {
      const { action, resource, env } = at(index);
      const question = { action, resource: { type: 'payment', attributes: resource }, context: env };
      return snapshot !== undefined && decide(snapshot, set, question, now).allowed;
    };
    const times = timeAll(
      [
        { name: 'ours', once: ours },
        { name: 'logic', once: logic },
        { name: 'cedar', once: cedarAllows },
        { name: 'whole', once: whole },
      ],
      repetitions,
      seconds / 2,
    );
    const [own = 0, decision = 0] = [times.get('ours'), times.get('whole')];
    const result = (name: string, time: number, floor: number, goal: number): Result => ({
      row: '16',
      name: `policy of five conditions ÷ ${name}`,
      value: time / own,
      floor,
      goal,
      note: `${microseconds(own)} against ${microseconds(time)}; a whole decision by policy ${microseconds(decision)}`,
    });
    return [
      result('json-logic-js', times.get('logic') ?? 0, 3, 15),
      result('cedar-wasm, preparsed', times.get('cedar') ?? 0, 20, 300),
    ];
  },
};

const token: Row = {
  id: '18',
  run: async ({ repetitions, seconds }: Bench) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'bench', use: 'sig' }];
    const issuer = 'http://localhost:3001';
    const audience = 'https://api.example.test/';
    const make = (index: number): Promise<string> =>
      new SignJWT({ client_id: 'bench', scope: 'orders:read orders:write', gid: 'g'.repeat(43) })
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject('01900000-0000-7000-8000-000000000000')
        .setJti(`token-${index}`)
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(privateKey);
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, index) => make(index)));
    // As they come: each time another string, cut out of a header.
    const next = (index: number): string => `Bearer ${tokens[index % tokens.length]}`.slice(7);
    const structured = createStructuredTokens({
      issuer,
      keys: { publicJwks: async () => ({ keys }), onChange: () => undefined },
      clock: { now: () => new Date() },
    });
    const set = createLocalJWKSet({ keys } as Parameters<typeof createLocalJWKSet>[0]);
    for (const one of tokens) if (!(await structured.verify(one))) throw new Error('a good token is refused');
    const own = await timeAsync((index) => structured.verify(next(index)), repetitions, seconds / 2);
    const verify = (index: number) => jwtVerify(next(index), set, { issuer, audience, typ: 'at+jwt' });
    const other = await timeAsync(verify, repetitions, seconds / 2);
    const note = `${microseconds(own)} against ${microseconds(other)}`;
    return [{ row: '18', name: 'token seen before ÷ jose verify ES256', value: other / own, floor: 50, goal: 300, note }];
  },
};

export const decisionRows: Row[] = [rbac, policy, token];
