import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import getRawBody from 'raw-body';
import { errors } from '../errors/index.ts';

const maxJsonBytes = 262_144;
const maxFormBytes = 65_536;
const maxFields = 200;
const maxDepth = 32;
const maxKeys = 5000;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** @throws invalid_request */
export const decodeText = (bytes: Buffer): string => {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw errors.invalid_request({ detail: 'The body is not valid UTF-8', cause });
  }
};

/** UP-06: limits of bodies are those of what they expand to. */
export const requirePlainBody = ({ headers }: IncomingMessage): void => {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw errors.unsupported_media_type({ detail: 'Content-Encoding is not supported' });
};

const readBytes = (ctx: Koa.Context, limit: number): Promise<Buffer> =>
  getRawBody(ctx.req, { limit, length: ctx.req.headers['content-length'] ?? null });

const requireType = (ctx: Koa.Context, type: string): void => {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(ctx.get('content-type'))?.[1]?.toLowerCase();
  if (ctx.is(type) !== type || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw errors.unsupported_media_type({ detail: `Send ${type} in UTF-8` });
  }
};

const badText = (value: string): boolean => value.includes('\0') || !value.isWellFormed();

const refuse = (path: string, message: string): never => {
  throw errors.invalid_request({ errors: [{ path: path.slice(0, 200), message }] });
};

/** Of what was on the way to the mistake. */
const pointer = (place: string, keys: readonly string[]): string =>
  place + keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * IN-02, IN-04, IN-09: text the database cannot hold, keys that reach a prototype, and bodies too deep or too wide are refused
 * with their place.
 */
export const checkContent = (root: unknown, place = ''): void => {
  let count = 0;
  const way: string[] = [];
  const checkKey = (key: string): void => {
    count += 1;
    if (count > maxKeys) refuse(place, `has more than ${maxKeys} members`);
    if (key === '__proto__' || badText(key)) refuse(pointer(place, way), 'has a member name that is not allowed');
  };
  const visit = (value: unknown): void => {
    if (way.length > maxDepth) refuse(pointer(place, way), `is nested deeper than ${maxDepth} levels`);
    if (typeof value === 'string' && badText(value)) refuse(pointer(place, way), 'holds a character that is not allowed');
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      checkKey(key);
      way.push(key);
      visit(member);
      way.pop();
    }
  };
  visit(root);
};

const hasBody = (ctx: Koa.Context): boolean =>
  ctx.req.headers['transfer-encoding'] !== undefined || Number(ctx.req.headers['content-length'] ?? 0) > 0;

/** JSON within a text. @param path where the text stands, empty for the body itself @throws invalid_request */
export const parseJson = (text: string, path = ''): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const detail = path === '' ? 'The body is not valid JSON' : undefined;
    throw errors.invalid_request({ detail, errors: [{ path, message: 'is not valid JSON' }], cause });
  }
  checkContent(value, path);
  return value;
};

/** A JSON body, or `undefined` where none was sent. */
export const readJson = async (ctx: Koa.Context): Promise<unknown> => {
  if (!hasBody(ctx)) return undefined;
  requireType(ctx, 'application/json');
  return parseJson(decodeText(await readBytes(ctx, maxJsonBytes)));
};

/** Fields of a posted form; a repeated field is refused (RU-04). */
export const readForm = async (ctx: Koa.Context): Promise<Record<string, string>> => {
  requireType(ctx, 'application/x-www-form-urlencoded');
  const fields = new URLSearchParams(decodeText(await readBytes(ctx, maxFormBytes)));
  const form: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of fields) {
    count += 1;
    if (count > maxFields) throw errors.invalid_request({ detail: 'The form has too many fields' });
    if (name in form)
      throw errors.invalid_request({ errors: [{ path: `/${name.slice(0, 64)}`, message: 'is given more than once' }] });
    if (badText(value) || badText(name)) {
      throw errors.invalid_request({
        errors: [{ path: `/${name.slice(0, 64)}`, message: 'holds a character that is not allowed' }],
      });
    }
    form[name] = value;
  }
  return form;
};

/** Parameters of the path: %00 is no part of a name either. */
export const readParams = (ctx: Koa.Context): Record<string, string> => {
  const params = { ...(ctx.params as Record<string, string>) };
  checkContent(params, 'params');
  return params;
};

/** Query parameters; a repeated one is refused. */
export const readQuery = (ctx: Koa.Context): Record<string, string> => {
  const query: Record<string, string> = Object.create(null);
  if (ctx.querystring === '') return query;
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    const path = `query/${name.slice(0, 64)}`;
    if (name in query) throw errors.invalid_request({ errors: [{ path, message: 'is given more than once' }] });
    if (badText(value) || badText(name) || value.includes('\ufffd')) {
      throw errors.invalid_request({ errors: [{ path, message: 'holds a character that is not allowed' }] });
    }
    query[name] = value;
  }
  return query;
};
