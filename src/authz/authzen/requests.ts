/** Questions of AuthZEN as ours, with defaults (AuthZEN 1.0 §7.1.1) and pages (§8.2). */
import { createHash } from 'node:crypto';
import { errors } from '../../platform/errors/index.ts';
import type { Range } from '../pdp/search.ts';
import type { Check } from '../pdp/service.ts';

export type Members = Record<string, unknown>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);
const isIdentifier = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 500;

/** What is wrong with one question, by place. */
export class Fault extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

const required = { subject: ['type', 'id'], action: ['name'], resource: ['type', 'id'] } as const;

/** An entity of the item overrides the default; one that is not whole is completed by it. */
const completed = (part: keyof typeof required, own: unknown, fallback: unknown): Members => {
  if (own === undefined && fallback === undefined) throw new Fault(`/${part}`, 'is required');
  if (own !== undefined && !isObject(own)) throw new Fault(`/${part}`, 'must be an object');
  const isWhole = required[part].every((name) => own?.[name] !== undefined);
  return own && isWhole ? own : { ...(isObject(fallback) ? fallback : {}), ...own };
};

const entityOf = (part: keyof typeof required, own: unknown, fallback: unknown): Members => {
  const whole = completed(part, own, fallback);
  for (const name of required[part]) {
    if (!isIdentifier(whole[name])) throw new Fault(`/${part}/${name}`, 'must be a text of 1 to 500 characters');
  }
  if (whole.properties !== undefined && !isObject(whole.properties)) throw new Fault(`/${part}/properties`, 'must be an object');
  return whole;
};

/** @throws Fault */
export const questionOf = (item: unknown, defaults: Members): Check => {
  if (!isObject(item)) throw new Fault('', 'must be an object');
  const subject = entityOf('subject', item.subject, defaults.subject);
  const action = entityOf('action', item.action, defaults.action);
  const resource = entityOf('resource', item.resource, defaults.resource);
  const context = item.context ?? defaults.context;
  if (context !== undefined && !isObject(context)) throw new Fault('/context', 'must be an object');
  return {
    subject: { id: subject.id as string, type: subject.type as string, properties: subject.properties as Members | undefined },
    action: action.name as string,
    actionProperties: action.properties as Members | undefined,
    resource: {
      type: resource.type as string,
      id: resource.id as string,
      attributes: resource.properties as Members | undefined,
    },
    context,
  };
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
};

const digestOf = ({ page: _page, ...question }: Members): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(question)))
    .digest('base64url')
    .slice(0, 16);

const longest = 1000;
const place = /^[ae]?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

type Page = { token?: string | undefined; limit?: number | undefined } | undefined;

const tokenFault = (message: string) => errors.invalid_request({ errors: [{ path: '/page/token', message }] });

const decode = (token: string): [at: string, limit: number, digest: string] => {
  const [at = '', limit = '', digest = '', ...more] = Buffer.from(token, 'base64url').toString().split(' ');
  if (!place.test(at) || !/^\d{1,4}$/.test(limit) || more.length > 0) throw tokenFault('is not one of ours');
  return [at, Number(limit), digest];
};

/** §8.2: a token holds for the request it was given for; a limit that is left out is the one of before. @throws invalid_request */
export const rangeOf = (body: Members & { page?: Page }): Range => {
  const { token, limit } = body.page ?? {};
  const wanted = limit === undefined ? undefined : Math.min(limit, longest);
  if (!token) return { after: undefined, limit: wanted ?? longest };
  const [after, before, digest] = decode(token);
  if (digest !== digestOf(body) || (wanted !== undefined && wanted !== before)) {
    throw tokenFault('was given for another request');
  }
  return { after, limit: before };
};

/** The page of an answer; always there, so that its end is said. */
export const pageOf = (body: Members, { limit }: Range, next: string | undefined, count: number) => ({
  next_token: next === undefined ? '' : Buffer.from(`${next} ${limit} ${digestOf(body)}`).toString('base64url'),
  count,
});
