import { Type } from '@sinclair/typebox';
import { type AdminRoutes, listOf } from '../../platform/http/index.ts';
import type { TermsRow } from './repository.ts';
import type { Terms } from './service.ts';

const closed = { additionalProperties: false };
const Text = Type.Object(
  {
    locale: Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35 }),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    // RU-03
    url: Type.String({ pattern: '^https?://[^\\s]+$', format: 'uri', maxLength: 1000 }),
  },
  closed,
);
const Body = Type.Object(
  { version: Type.String({ pattern: '^[A-Za-z0-9._-]{1,50}$' }), texts: Type.Array(Text, { minItems: 1, maxItems: 50 }) },
  closed,
);
const View = Type.Object(
  { version: Type.String(), texts: Type.Array(Text), publishedAt: Type.String({ format: 'date-time' }) },
  closed,
);
const List = listOf(View);
const Current = Type.Object({ terms: Type.Union([View, Type.Null()]) }, closed);

const view = ({ version, texts, published_at: at }: TermsRow) => ({ version, texts, publishedAt: at.toISOString() });

export const mountTermsRoutes = (admin: AdminRoutes, terms: Terms): void => {
  admin.get(
    '/api/v1/auth/terms',
    { summary: 'The terms that are asked for now', permission: 'public', response: Current, status: 200 },
    async () => {
      const row = await terms.current();
      return { terms: row ? view(row) : null };
    },
  );
  admin.get(
    '/api/v1/identity/terms',
    { summary: 'List the versions of the terms', permission: 'consent:read', everywhere: true, response: List, status: 200 },
    async () => ({ items: (await terms.list()).map(view), nextCursor: null }),
  );
  admin.post(
    '/api/v1/identity/terms',
    {
      summary: 'Publish a version of the terms: everybody is asked for it at the next sign-in',
      permission: 'consent:publish',
      everywhere: true,
      body: Body,
      response: View,
      status: 201,
    },
    async ({ body, principal: { type, id } }) => view(await terms.publish(body.version, body.texts, { type, id })),
  );
};
