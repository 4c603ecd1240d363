/** Whom and what a question is about, with what is stored of them (FEATURES Z5). */
import { isUuid } from '../../platform/crypto/index.ts';
import type { EntitySource } from '../entities/source.ts';
import type { Question } from './decide.ts';
import { emptySnapshot, type Snapshot } from './snapshot.ts';

export interface SubjectReference {
  id: string;
  type?: string | undefined;
  /** What the caller says of the subject; what is stored here wins. */
  properties?: Record<string, unknown> | undefined;
}

/** About whom, and about whose objects, a caller may ask. */
export type View = { scope: 'all' } | { scope: readonly string[] };

export interface LookupDeps {
  subjectOf(id: string): Promise<Snapshot | undefined>;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
  entities: EntitySource;
}

const isInView = ({ scope }: View, { organizationIds }: Snapshot): boolean =>
  scope === 'all' || scope.some((id) => organizationIds.has(id));

const withProperties = (snapshot: Snapshot, properties: Record<string, unknown> | undefined): Snapshot =>
  properties ? { ...snapshot, attributes: { ...properties, ...snapshot.attributes } } : snapshot;

/** What the deployment registered is its own: who sees some organizations sees those'. */
const ownersIn = ({ scope }: View): readonly string[] => (scope === 'all' ? [] : scope);

export const createLookup = ({ subjectOf, idOfLogin, entities }: LookupDeps) => {
  const account = async (id: string, view: View): Promise<Snapshot | undefined> => {
    const found = await subjectOf(id);
    return found && isInView(view, found) ? found : undefined;
  };

  /** A subject by the name an application gave it, or an account by login. */
  const byName = async ({ id, type = 'user', properties }: SubjectReference, view: View): Promise<Snapshot> => {
    const entity = await entities.find(type, id, ownersIn(view));
    const known = { ...properties, ...entity?.attributes };
    const isLogin = entity === undefined && type === 'user' && !isUuid(id);
    const userId = isLogin ? await idOfLogin(id) : (entity?.userId ?? undefined);
    const found = userId === undefined ? undefined : await account(userId, view);
    return found ? withProperties(found, known) : emptySnapshot(type, id, known);
  };

  return {
    /**
     * An account by id, else what an application registered under that name, else an account by login. Somebody nobody knows, or may
     * know of, holds nothing; policies may still speak of them by what is said of them.
     */
    subject: async (reference: SubjectReference, view: View): Promise<Snapshot> => {
      const { id, type = 'user', properties } = reference;
      const own = type === 'user' && isUuid(id) ? await account(id, view) : undefined;
      return own ? withProperties(own, properties) : byName(reference, view);
    },
    /** The question with what is registered of the object; that wins over what the caller says. */
    question: async <Asked extends Question>(asked: Asked, view: View): Promise<Asked> => {
      const { type, id, attributes } = asked.resource;
      if (id === undefined) return asked;
      const said = attributes?.organizationId;
      const owners = view.scope === 'all' && typeof said === 'string' ? [said] : ownersIn(view);
      const entity = await entities.find(type, id, owners);
      return entity ? { ...asked, resource: { type, id, attributes: { ...attributes, ...entity.attributes } } } : asked;
    },
  };
};

export type Lookup = ReturnType<typeof createLookup>;
