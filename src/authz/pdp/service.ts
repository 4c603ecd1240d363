import { isUuid } from '../../platform/crypto/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AuditBuffer, Clock, Principal, ResourceReference } from '../../platform/ports.ts';
import type { PolicySource } from '../policies/source.ts';
import { type Decision, decide, type PolicySet, type Question } from './decide.ts';
import { type Explained, explain } from './explain.ts';
import { filterOf } from './filter.ts';
import type { Holds } from './guard.ts';
import type { Lookup, SubjectReference, View } from './lookup.ts';
import { isForeign, type Range, type Search, tenantOf } from './search.ts';
import type { SearchRepository } from './search-repository.ts';
import { seenIn } from './seen.ts';
import { emptySnapshot, type Snapshot } from './snapshot.ts';

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
  holds: Holds;
  audit: AuditBuffer;
  policiesFor: PolicySource;
  lookup: Lookup;
  stored: {
    allPolicies(): Promise<PolicySet>;
    subjectOf(id: string): Promise<Snapshot | undefined>;
    rolesWith: SearchRepository['rolesWith'];
    search: Search;
  };
}

const maxRecordedBytes = 4096;

/** Whose log a decision is in: of the organization whose object it is about, where the caller has anything to say about those. */
const organizationOf = ({ attributes }: ResourceReference, scope: View['scope']): string | undefined => {
  const { organizationId } = attributes ?? {};
  if (typeof organizationId !== 'string' || !isUuid(organizationId)) return undefined;
  return scope === 'all' || scope.includes(organizationId) ? organizationId : undefined;
};

export const createPdp = ({ clock, holds, audit, policiesFor, lookup, stored }: PdpDeps) => {
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
    const reach = await holds(principal, permission);
    if (reach?.scope === 'any') return { scope: 'all' };
    if (reach?.scope !== 'organization') return refuse(principal, permission);
    return { scope: reach.organizationIds };
  };

  const isOwn = (principal: Principal, { subject, explain: wantsReasons }: Check): boolean =>
    wantsReasons !== true &&
    (subject === undefined ||
      (subject.id === principal.id && (subject.type ?? 'user') === principal.type && !subject.properties));

  const note = (
    principal: Principal,
    snapshot: Snapshot,
    { action, actionProperties, resource, context }: Question,
    { allowed, kind }: Decision,
    { scope }: View,
  ): void => {
    const request = { attributes: resource.attributes, context, actionProperties };
    const isSmall = JSON.stringify(request).length <= maxRecordedBytes;
    audit.note({
      type: 'authz.decision',
      outcome: allowed ? 'success' : 'denied',
      actor: { type: principal.type, id: principal.id },
      clientId: principal.clientId,
      subjectId: isUuid(snapshot.id) ? snapshot.id : undefined,
      organizationId: organizationOf(resource, scope),
      target: resource.id === undefined ? undefined : { type: resource.type, id: resource.id },
      details: { action, resource: resource.type, allowed, reason: kind, ...(isSmall && { request }) },
    });
  };

  const remember: Decision = { allowed: false, kind: 'default_deny' };

  const judge = async (principal: Principal, snapshot: Snapshot, asked: Check, { view, objects }: Views): Promise<Answer> => {
    const question = await lookup.question(asked, objects);
    const policies = await policiesFor(tenantOf(question));
    const now = clock.now().getTime();
    const decision = isForeign(view, question) ? remember : decide(snapshot, policies, question, now);
    note(principal, snapshot, question, decision, objects);
    if (asked.explain !== true) return { allowed: decision.allowed, decision };
    const explained = explain({ ...seenIn(view, snapshot, policies), question, decision, now });
    if (!decision.allowed && decision.kind === 'default_deny') {
      const { action, resource } = question;
      const names = [resource.type, '*'].flatMap((type) => [action, '*'].map((one) => `${type}:${one}:any`));
      const roles = await stored.rolesWith(names, 10);
      explained.wouldAllow.push(...roles.map((ref) => ({ kind: 'role' as const, ref, sufficient: true })));
    }
    return { allowed: decision.allowed, decision, explained };
  };

  const check = async (principal: Principal, asked: Check): Promise<Answer> => {
    if (isOwn(principal, asked)) {
      const own = principal.type === 'user' ? await stored.subjectOf(principal.id) : undefined;
      const snapshot = own ?? emptySnapshot(principal.type, principal.id);
      // Of registered objects one sees those of one's organizations.
      return judge(principal, snapshot, asked, { view: { scope: 'all' }, objects: { scope: [...snapshot.organizationIds] } });
    }
    const view = await viewOf(principal, 'authz:check');
    const subject = asked.subject ?? { id: principal.id, type: principal.type };
    return judge(principal, await lookup.subject(subject, view), asked, { view, objects: view });
  };

  const { search } = stored;
  return {
    /** @throws permission_required for others, and for reasons, without `authz:check` */
    check,
    /** What policies alone say of a client, for rooms that have an answer of their own where these are silent. */
    ruling: async (clientId: string, question: Question): Promise<'allow' | 'deny' | undefined> => {
      const snapshot = emptySnapshot('client', clientId);
      const decision = decide(snapshot, await policiesFor(tenantOf(question)), question, clock.now().getTime());
      if (decision.kind === 'default_deny') return undefined;
      const principal = { type: 'client', id: clientId, clientId, scopes: new Set<string>(), roles: [] } as const;
      note(principal, snapshot, question, decision, { scope: 'all' });
      return decision.allowed ? 'allow' : 'deny';
    },
    /** On which objects a subject may do it. @throws permission_required for others without `authz:search` */
    filter: async (principal: Principal, asked: Check): Promise<unknown> => {
      const isSelf = isOwn(principal, asked);
      const view: View = isSelf ? { scope: 'all' } : await viewOf(principal, 'authz:search');
      const reference = asked.subject ?? { id: principal.id, type: principal.type };
      const own = isSelf && principal.type === 'user' ? await stored.subjectOf(principal.id) : undefined;
      const snapshot = own ?? (isSelf ? emptySnapshot(principal.type, principal.id) : await lookup.subject(reference, view));
      const tenant = tenantOf(asked);
      const policies = tenant === undefined ? await stored.allPolicies() : await policiesFor(tenant);
      return filterOf({ ...seenIn(view, snapshot, policies), question: asked, view, now: clock.now().getTime() });
    },
    /** Who of those the caller may ask about may do it. */
    searchSubjects: async (principal: Principal, type: string, question: Question, range: Range) =>
      search.subjects(await viewOf(principal, 'authz:search'), type, question, range),
    /** On which registered objects a subject may do it. */
    searchResources: async (principal: Principal, subject: SubjectReference, question: Question, range: Range) =>
      search.resources(await viewOf(principal, 'authz:search'), subject, question, range),
    /** What a subject may do to an object. */
    searchActions: async (principal: Principal, subject: SubjectReference, question: Omit<Question, 'action'>) =>
      search.actions(await viewOf(principal, 'authz:search'), subject, question),
  };
};

interface Views {
  /** What the answer may be about. */
  view: View;
  /** Of which registered objects the attributes count. */
  objects: View;
}

export type Pdp = ReturnType<typeof createPdp>;
