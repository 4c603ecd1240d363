/** What the published AuthZEN scenarios are about, as administrators of ours would set it up; facts of the scenarios, in our words. */
import type { Call } from './callers.ts';

const expectDone = async (call: Call, method: string, path: string, body: unknown): Promise<Record<string, string>> => {
  const { status, json } = await call(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
  return json;
};

interface PolicyDraft {
  name: string;
  effect: 'allow' | 'deny';
  target: { resources: string[]; actions: string[] };
  condition: unknown;
  priority?: number;
}

export const activatePolicies = async (call: Call, policies: readonly PolicyDraft[]): Promise<void> => {
  for (const policy of policies) {
    const { id } = await expectDone(call, 'POST', '/authz/policies', policy);
    await expectDone(call, 'POST', `/authz/policies/${id}/activate`, {});
  }
};

export const register = (call: Call, entities: readonly Record<string, unknown>[]): Promise<unknown> =>
  expectDone(call, 'PUT', '/authz/entities', { entities });

const subjectId = { var: 'subject.id' };

/** The fixture of the certification scenario (Authorization API 1.0, required fixture). */
export const setUpCertification = async (call: Call): Promise<void> => {
  await register(call, [
    { type: 'user', id: 'alice' },
    { type: 'user', id: 'bob', attributes: { role: 'admin' } },
    { type: 'record', id: 'record-1', attributes: { status: 'active' } },
    { type: 'record', id: 'record-2', attributes: { status: 'archived' } },
  ]);
  const target = (action: string) => ({ resources: ['record'], actions: [action] });
  const isKnown = { in: [subjectId, ['alice', 'bob']] };
  const archived = { '==': [{ var: ['resource.status', ''] }, 'archived'] };
  await activatePolicies(call, [
    { name: 'known users read records', effect: 'allow', target: target('read'), condition: isKnown },
    {
      name: 'alice writes what is active',
      effect: 'allow',
      target: target('write'),
      condition: { and: [{ '==': [subjectId, 'alice'] }, { '!': [archived] }] },
    },
    {
      name: 'administrators write what is archived',
      effect: 'allow',
      target: target('write'),
      condition: { and: [{ '==': [{ var: ['subject.role', ''] }, 'admin'] }, archived] },
    },
    {
      name: 'alice deletes softly',
      effect: 'allow',
      target: target('delete'),
      condition: { and: [{ '==': [subjectId, 'alice'] }, { '==': [{ var: ['actionProperties.soft', false] }, true] }] },
    },
  ]);
};

/** People and records of the search interop scenario. */
export const searchScenario = {
  users: {
    alice: ['manager', 'Sales'],
    bob: ['employee', 'Legal'],
    carol: ['contractor', 'Legal'],
    dan: ['manager', 'Finance'],
    erin: ['employee', 'Finance'],
    felix: ['contractor', 'Accounting'],
  } as Record<string, [role: string, department: string]>,
  /** From 101 on; the owners take turns. */
  departments:
    'Legal Legal Legal Accounting Legal Accounting Sales Legal Accounting Sales Accounting Legal Sales Accounting Finance Legal Legal Accounting Legal Accounting'.split(
      ' ',
    ),
};

export const searchRecords = searchScenario.departments.map((department, index) => {
  const users = Object.keys(searchScenario.users);
  return { id: String(101 + index), department, owner: users[index % users.length] as string };
});

export const setUpSearch = async (call: Call): Promise<void> => {
  const users = Object.entries(searchScenario.users).map(([id, [role, department]]) => ({
    type: 'user',
    id,
    attributes: { role, department },
  }));
  const records = searchRecords.map(({ id, ...attributes }) => ({ type: 'record', id, attributes }));
  await register(call, [...users, ...records]);
  const owns = { '==': [{ var: 'resource.owner' }, subjectId] };
  const isManager = { '==': [{ var: 'subject.role' }, 'manager'] };
  const isInDepartment = { '==': [{ var: 'resource.department' }, { var: 'subject.department' }] };
  const target = (action: string) => ({ resources: ['record'], actions: [action] });
  await activatePolicies(call, [
    { name: 'view', effect: 'allow', target: target('view'), condition: { or: [owns, isInDepartment, isManager] } },
    { name: 'edit', effect: 'allow', target: target('edit'), condition: { or: [owns, { and: [isManager, isInDepartment] }] } },
    { name: 'delete', effect: 'allow', target: target('delete'), condition: owns },
  ]);
};

/** The rules of the search scenario in plain code. */
export const mayInScenario = (user: string, action: string, record: { department: string; owner: string }): boolean => {
  const [role, department] = searchScenario.users[user] as [string, string];
  if (record.owner === user) return true;
  if (action === 'view') return role === 'manager' || record.department === department;
  return action === 'edit' && role === 'manager' && record.department === department;
};

/** The published subject ids of the Todo scenario, with the addresses and roles they stand for. */
export const todoPeople = [
  ['rick@the-citadel.com', 'CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs', ['admin', 'evil_genius']],
  ['morty@the-citadel.com', 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs', ['editor']],
  ['summer@the-smiths.com', 'CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs', ['editor']],
  ['beth@the-smiths.com', 'CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs', ['viewer']],
  ['jerry@the-smiths.com', 'CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs', ['viewer']],
] as const;
