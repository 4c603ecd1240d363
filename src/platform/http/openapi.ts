import type { TSchema } from '@sinclair/typebox';
import { accessCookie, cookieName } from './cookies.ts';
import type { RouteRow } from './table.ts';

const problem = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    correlationId: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

const parameters = (schema: TSchema | undefined, location: 'path' | 'query'): object[] =>
  Object.entries((schema?.properties ?? {}) as Record<string, TSchema>).map(([name, member]) => ({
    name,
    in: location,
    required: location === 'path' || ((schema?.required as string[] | undefined) ?? []).includes(name),
    schema: member,
  }));

const content = (schema: TSchema | undefined): object => (schema ? { content: { 'application/json': { schema } } } : {});

const operation = ({ method, path, spec }: RouteRow): object => ({
  operationId: `${method}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
  summary: spec.summary,
  ...(spec.description === undefined ? {} : { description: spec.description }),
  tags: [path.split('/')[3] ?? path.split('/')[1] ?? 'root'],
  ...(spec.permission === 'public' ? { security: [] } : {}),
  ...(spec.permission.includes(':') ? { 'x-permission': spec.permission } : {}),
  parameters: [...parameters(spec.params, 'path'), ...parameters(spec.query, 'query')],
  ...(spec.body ? { requestBody: { required: true, ...content(spec.body) } } : {}),
  responses: {
    [spec.status]: { description: 'The usual answer', ...content(spec.response) },
    default: {
      description: 'A problem document (RFC 9457)',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
});

/** OpenAPI 3.1 of our own API, generated from the route table (FEATURES O7). */
export const openApiDocument = (rows: readonly RouteRow[], issuer: string): object => {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of rows) {
    const path = row.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method]: operation(row) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Castellan',
      version: '1',
      description: 'Administration and decision API. The protocol endpoints are described by the discovery document.',
    },
    servers: [{ url: issuer }],
    security: [{ bearer: [] }, { dpop: [], proof: [] }, { cookie: [], csrf: [] }],
    paths,
    components: {
      schemas: { Problem: problem },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        dpop: { type: 'http', scheme: 'dpop' },
        proof: { type: 'apiKey', in: 'header', name: 'DPoP', description: 'For this request and token (RFC 9449 §4.2)' },
        cookie: { type: 'apiKey', in: 'cookie', name: cookieName(issuer, accessCookie) },
        csrf: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token', description: 'With the cookie, where the method is unsafe' },
      },
    },
  };
};
