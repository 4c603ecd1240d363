import { errors as shared } from '../../platform/errors/index.ts';
import type { AuditBuffer, Clock, Guard, Principal } from '../../platform/ports.ts';
import type { PolicySource } from '../policies/source.ts';
import { type Decision, decide, type Question } from './decide.ts';
import { type Explained, explain } from './explain.ts';
import type { SearchRepository } from './search-repository.ts';
import { emptySnapshot, type Snapshot } from './snapshot.ts';

export interface SubjectReference {
  id: string;
  type?: string | undefined;
  /** What the caller says of the subject; what is stored here wins. */
  properties?: Record<string, unknown> | undefined;
}

export interface Check extends Question {
  subject?: SubjectReference | undefined;
  explain?: boolean | undefined;
}

export interface Answer {
  allowed: boolean;
  decision: Decision;
  explained?: Explained | undefined;
}

export interface PdpDeps {
  clock: Clock;
  guard: Guard;
  audit: AuditBuffer;
  subjectOf(id: string): Promise<Snapshot | undefined>;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
  policiesFor: PolicySource;
  search: SearchRepository;
}

type View = { scope: 'all' } | { scope: readonly string[] };

const maxRecordedBytes = 4096;
const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export const createPdp = ({ clock, guard, audit, subjectOf, idOfLogin, policiesFor, search }: PdpDeps) => {
  const refuse = (principal: Principal, permission: string): never => {
    audit.note({
      type: 'api.denied',
      outcome: 'denied',
      actor: { type: principal.type, id: principal.id },
      clientId: principal.clientId,
      reason: 'permission_required',
      details: { permission, route: 'decision' },
    });
    throw shared.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  /** About whom the caller may ask (AZ-08). @throws permission_required */
  const viewOf = async (principal: Principal, permission: string): Promise<View> => {
    const reach = await guard.reach(principal, permission);
    if (reach === 'any') return { scope: 'all' };
    if (reach !== 'organization') return refuse(principal, permission);
    return { scope: await guard.organizations(principal, permission) };
  };

  const isInView = ({ scope }: View, { organizationIds }: Snapshot): boolean =>
    scope === 'all' || scope.some((id) => organizationIds.has(id));

  const withProperties = (snapshot: Snapshot, properties: Record<string, unknown> | undefined): Snapshot =>
    properties ? { ...snapshot, attributes: { ...properties, ...snapshot.attributes } } : snapshot;

  /** Somebody nobody knows, or may know of, holds nothing; policies may still speak of them by what is said of them. */
  const resolve = async ({ id, type = 'user', properties }: SubjectReference, view: View): Promise<Snapshot> => {
    if (type !== 'user') return emptySnapshot(type === 'client' ? 'client' : 'user', id, { ...properties, type });
    const userId = uuid.test(id) ? id : await idOfLogin(id);
    const found = userId === undefined ? undefined : await subjectOf(userId);
    return found && isInView(view, found) ? withProperties(found, properties) : emptySnapshot('user', id, properties);
  };

  const isOwn = (principal: Principal, { subject, explain: wantsReasons }: Check): boolean =>
    wantsReasons !== true &&
    (subject === undefined ||
      (subject.id === principal.id && (subject.type ?? 'user') === principal.type && !subject.properties));

  const note = (
    principal: Principal,
    snapshot: Snapshot,
    { action, resource, context }: Question,
    { allowed, kind }: Decision,
  ): void => {
    const request = { attributes: resource.attributes, context };
    const isSmall = JSON.stringify(request).length <= maxRecordedBytes;
    audit.note({
      type: 'authz.decision',
      outcome: allowed ? 'success' : 'denied',
      actor: { type: principal.type, id: principal.id },
      clientId: principal.clientId,
      subjectId: uuid.test(snapshot.id) ? snapshot.id : undefined,
      target: resource.id === undefined ? undefined : { type: resource.type, id: resource.id },
      details: { action, resource: resource.type, allowed, reason: kind, ...(isSmall && { request }) },
    });
  };

  const policiesOf = ({ resource }: Question) => {
    const { organizationId } = resource.attributes ?? {};
    return policiesFor(typeof organizationId === 'string' && uuid.test(organizationId) ? organizationId : undefined);
  };

  /** Objects of organizations outside the view look like unknown ones: nothing is allowed on them. */
  const isForeign = ({ scope }: View, { resource }: Question): boolean => {
    const { organizationId } = resource.attributes ?? {};
    return scope !== 'all' && organizationId !== undefined && !scope.includes(organizationId as string);
  };

  const remember: Decision = { allowed: false, kind: 'default_deny' };

  const judge = async (principal: Principal, snapshot: Snapshot, check: Check, view: View): Promise<Answer> => {
    const policies = await policiesOf(check);
    const now = clock.now().getTime();
    const decision = isForeign(view, check) ? remember : decide(snapshot, policies, check, now);
    note(principal, snapshot, check, decision);
    if (check.explain !== true) return { allowed: decision.allowed, decision };
    const explained = explain({ snapshot, policies, question: check, decision, now });
    if (!decision.allowed && decision.kind === 'default_deny') {
      const { action, resource } = check;
      const names = [resource.type, '*'].flatMap((type) => [action, '*'].map((one) => `${type}:${one}:any`));
      const roles = await search.rolesWith(names, 10);
      explained.wouldAllow.push(...roles.map((ref) => ({ kind: 'role' as const, ref })));
    }
    return { allowed: decision.allowed, decision, explained };
  };

  const check = async (principal: Principal, asked: Check): Promise<Answer> => {
    if (isOwn(principal, asked)) {
      const own = principal.type === 'user' ? await subjectOf(principal.id) : undefined;
      return judge(principal, own ?? emptySnapshot(principal.type, principal.id), asked, { scope: 'all' });
    }
    const view = await viewOf(principal, 'authz:check');
    const subject = asked.subject ?? { id: principal.id, type: principal.type };
    return judge(principal, await resolve(subject, view), asked, view);
  };

  return {
    /** @throws permission_required for others, and for reasons, without `authz:check` */
    check,
    /** Who of those the caller may ask about may do it; pages of people looked at, not of hits. */
    searchSubjects: async (principal: Principal, question: Question, limit: number, after: string | undefined) => {
      const view = await viewOf(principal, 'authz:search');
      const people = isForeign(view, question) ? [] : await search.people(view.scope, limit + 1, after);
      const policies = await policiesOf(question);
      const now = clock.now().getTime();
      const ids: string[] = [];
      for (const id of people.slice(0, limit)) {
        const snapshot = await subjectOf(id);
        if (snapshot && decide(snapshot, policies, question, now).allowed) ids.push(id);
      }
      return { ids, next: people.length > limit ? people[limit - 1] : undefined };
    },
    /** What a subject may do to an object, of the actions that are registered for its type. */
    searchActions: async (
      principal: Principal,
      subject: SubjectReference,
      question: Omit<Question, 'action'>,
    ): Promise<string[]> => {
      const view = await viewOf(principal, 'authz:search');
      const snapshot = await resolve(subject, view);
      const now = clock.now().getTime();
      const allowed: string[] = [];
      for (const action of await search.actions(question.resource.type)) {
        const asked = { ...question, action };
        if (!isForeign(view, asked) && decide(snapshot, await policiesOf(asked), asked, now).allowed) allowed.push(action);
      }
      return allowed;
    },
  };
};

export type Pdp = ReturnType<typeof createPdp>;
