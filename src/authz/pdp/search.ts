/** Who may do it, to what may it be done, what may be done (AuthZEN 1.0 §8; FEATURES Z9). Pages hold hits. */
import { isUuid } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { Entity, EntitySource } from '../entities/source.ts';
import type { PolicySource } from '../policies/source.ts';
import { decide, type Question } from './decide.ts';
import type { Lookup, SubjectReference, View } from './lookup.ts';
import type { SearchRepository } from './search-repository.ts';
import type { Snapshot } from './snapshot.ts';

export interface SearchDeps {
  clock: Clock;
  search: SearchRepository;
  entities: EntitySource;
  lookup: Lookup;
  policiesFor: PolicySource;
  subjectOf(id: string): Promise<Snapshot | undefined>;
}

export interface Range {
  limit: number;
  after: string | undefined;
}

export interface Found<Item> {
  hits: Item[];
  /** Where the next page begins; `undefined` at the end. */
  next: string | undefined;
}

interface Candidate {
  /** In order, and where a page may end. */
  place: string;
}

type Source<Item> = (after: string | undefined, size: number) => Promise<Item[]>;

/** Of those a page looks at: beyond it the page ends early, and says where to go on. */
const budget = { people: 2000, objects: 20_000 };

const scan = async <Item extends Candidate>(
  source: Source<Item>,
  isHit: (item: Item) => Promise<boolean>,
  { limit, after }: Range,
  most: number,
): Promise<Found<Item>> => {
  const hits: Item[] = [];
  let at = after;
  for (let examined = 0; examined < most; ) {
    const size = Math.min(500, most - examined);
    const items = await source(at, size);
    for (const item of items) {
      if (hits.length >= limit) return { hits, next: at };
      if (await isHit(item)) hits.push(item);
      at = item.place;
    }
    examined += items.length;
    if (items.length < size) return { hits, next: undefined };
  }
  return { hits, next: at };
};

/** The organization about whose objects a question is. */
export const tenantOf = ({ resource }: Pick<Question, 'resource'>): string | undefined => {
  const { organizationId } = resource.attributes ?? {};
  return isUuid(organizationId) ? organizationId : undefined;
};

/** Objects of organizations outside the view look like unknown ones: nothing is allowed on them. */
export const isForeign = ({ scope }: View, { resource }: Pick<Question, 'resource'>): boolean => {
  const { organizationId } = resource.attributes ?? {};
  return scope !== 'all' && organizationId !== undefined && !scope.includes(organizationId as string);
};

type Person = Candidate & ({ id: string; entity?: undefined } | { id: string; entity: Entity });

export const createSearch = ({ clock, search, entities, lookup, policiesFor, subjectOf }: SearchDeps) => {
  const allowed = async (snapshot: Snapshot, question: Question, view: View): Promise<boolean> => {
    if (isForeign(view, question)) return false;
    const policies = await policiesFor(tenantOf(question));
    return decide(snapshot, policies, question, clock.now().getTime()).allowed;
  };

  /** Accounts first, then subjects that applications registered; a policy may allow those who hold nothing. */
  const peopleFor = async (type: string, question: Question, view: View): Promise<Source<Person>> => {
    const policies = (await policiesFor(tenantOf(question))).matching(question.resource.type, question.action);
    const isOpen = policies.some(({ effect }) => effect === 'allow');
    const held = isOpen ? undefined : { resource: question.resource.type, action: question.action };
    return async (after, size) => {
      const inEntities = after?.startsWith('e') === true;
      const from = after?.slice(1);
      const ids = type === 'user' && !inEntities ? await search.people(view.scope, size, from, held) : [];
      const accounts = ids.map((id): Person => ({ place: `a${id}`, id }));
      if (accounts.length === size) return accounts;
      const more = await entities.page(type, view.scope, size - accounts.length, inEntities ? from : undefined);
      return [...accounts, ...more.map((entity): Person => ({ place: `e${entity.key}`, id: entity.id, entity }))];
    };
  };

  return {
    subjects: async (view: View, type: string, asked: Question, range: Range): Promise<Found<{ id: string }>> => {
      const question = await lookup.question(asked, view);
      const isHit = async ({ id, entity }: Person): Promise<boolean> => {
        const snapshot = entity ? await lookup.subject({ type, id }, view) : await subjectOf(id);
        return snapshot !== undefined && (await allowed(snapshot, question, view));
      };
      return await scan(await peopleFor(type, question, view), isHit, range, budget.people);
    },
    resources: async (view: View, subject: SubjectReference, asked: Question, range: Range): Promise<Found<{ id: string }>> => {
      const snapshot = await lookup.subject(subject, view);
      const { type, attributes } = asked.resource;
      const source: Source<Candidate & Entity> = async (after, size) =>
        (await entities.page(type, view.scope, size, after)).map((entity) => ({ ...entity, place: entity.key }));
      const isHit = (entity: Entity): Promise<boolean> =>
        allowed(
          snapshot,
          { ...asked, resource: { type, id: entity.id, attributes: { ...attributes, ...entity.attributes } } },
          view,
        );
      return await scan(source, isHit, range, budget.objects);
    },
    /** Of the actions that permissions or policies name for its type. */
    actions: async (view: View, subject: SubjectReference, asked: Omit<Question, 'action'>): Promise<string[]> => {
      const snapshot = await lookup.subject(subject, view);
      const question = await lookup.question({ ...asked, action: '' }, view);
      const { type } = question.resource;
      const policies = await policiesFor(tenantOf(question));
      const names = new Set([...(await search.actions(type)), ...policies.actions(type)]);
      const found: string[] = [];
      for (const action of [...names].sort()) if (await allowed(snapshot, { ...question, action }, view)) found.push(action);
      return found;
    },
  };
};

export type Search = ReturnType<typeof createSearch>;
