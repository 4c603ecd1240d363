import type { EventView } from '../../../audit/index.ts';
import type { NameOf, Thing } from './names.ts';

/** What the sentence of an event is made of: things with names and links, words of its details. */
export interface ShownEvent extends EventView {
  subject: Thing | undefined;
  client: Thing | undefined;
  organization: Thing | undefined;
  by: Thing;
  about: Thing | undefined;
  /** Values of `admin.event.<type>`. */
  values: Record<string, unknown>;
}

const textOf = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'object' || value === undefined ? undefined : String(value);
};

const detailsOf = ({ details }: EventView): [string, unknown][] => {
  const given = Object.entries((details ?? {}) as Record<string, unknown>);
  return given.flatMap(([name, value]): [string, unknown][] => {
    const text = textOf(value);
    return text === undefined ? [] : [[name, { word: text }]];
  });
};

/** An event with the names of whom and what it speaks of. */
export const shownEvent = (event: EventView, nameOf: NameOf): ShownEvent => {
  const named = (type: string, id: string | null): Thing | undefined => (id === null ? undefined : nameOf(event, { type, id }));
  const by = nameOf(event, event.actor);
  const about = event.target ? nameOf(event, event.target) : undefined;
  const subject = named('user', event.subjectId);
  const client = named('client', event.clientId);
  const organization = named('organization', event.organizationId);
  const somebody: Thing = { type: 'nobody', id: null, name: undefined, href: undefined };
  const words = Object.fromEntries(detailsOf(event));
  const verdict = { word: (event.details as { allowed?: boolean } | null)?.allowed ? 'allow' : 'deny' };
  const values = {
    ...words,
    verdict,
    actor: by,
    subject: subject ?? (event.actor.type === 'anonymous' ? somebody : by),
    client: client ?? by,
    target: about ?? somebody,
  };
  return { ...event, subject, client, organization, by, about, values };
};

/** Members that differ between before and after; those of one side alone are there too. */
export const changesOf = ({ before, after }: EventView): { name: string; before: string; after: string }[] => {
  const [was, is] = [before, after].map((side) => (side ?? {}) as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const written = (value: unknown): string => (typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value));
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((name) => ({ name, before: written(was[name]), after: written(is[name]) }))
    .filter((one) => one.before !== one.after);
};
