import type { Static } from '@sinclair/typebox';
import type Koa from 'koa';
import { errors } from '../../platform/errors/index.ts';
import { type AdminRoutes, answer } from '../../platform/http/index.ts';
import type { Principal } from '../../platform/ports.ts';
import * as schema from './schema.ts';
import type { Answer, Check, Pdp } from './service.ts';

const scope = ['authz', 'api'] as const;

const required = (path: string) => errors.invalid_request({ errors: [{ path, message: 'is required' }] });

const view = ({ allowed, explained }: Answer) => ({
  allowed,
  ...(explained && { reasons: explained.reasons as never[], wouldAllow: explained.wouldAllow as never[] }),
});

const mountCheck = (admin: AdminRoutes, pdp: Pdp): void => {
  admin.post(
    '/api/v1/authz/check',
    {
      summary: 'May a subject (the caller, where left out) do this? One question, or up to a hundred in checks',
      permission: 'self',
      scope,
      body: schema.CheckBody,
      response: schema.CheckView,
      status: 200,
    },
    async ({ body: { checks, ...single }, principal }) => {
      if (checks) {
        const results: ReturnType<typeof view>[] = [];
        for (const check of checks) results.push(view(await pdp.check(principal, check)));
        return { results };
      }
      if (single.action === undefined) throw required('/action');
      if (single.resource === undefined) throw required('/resource');
      return view(await pdp.check(principal, single as Check));
    },
  );
};

type Parts = Partial<Static<typeof schema.Evaluation>>;

/** AuthZEN 1.0 §7: what an item leaves out comes from the top. @throws invalid_request naming what is in neither */
const questionOf = (item: Parts, defaults: Parts, path: string): Check => {
  const { subject, action, resource, context } = { ...defaults, ...item };
  if (!subject) throw required(`${path}/subject`);
  if (!action) throw required(`${path}/action`);
  if (!resource) throw required(`${path}/resource`);
  return {
    subject: { id: subject.id, type: subject.type, properties: subject.properties },
    action: action.name,
    resource: { type: resource.type, id: resource.id, attributes: resource.properties },
    context,
  };
};

const stops: Record<string, (decision: boolean) => boolean> = {
  execute_all: () => false,
  deny_on_first_deny: (decision) => !decision,
  permit_on_first_permit: (decision) => decision,
};

const reasonOf = ({ allowed, decision }: Answer) => ({ decision: allowed, context: { reason: decision.kind } });

const evaluate = async (pdp: Pdp, principal: Principal, body: Static<typeof schema.Evaluations>) => {
  const { evaluations, options, ...defaults } = body;
  if (!evaluations || evaluations.length === 0) return reasonOf(await pdp.check(principal, questionOf({}, defaults, '')));
  const questions = evaluations.map((item, index) => questionOf(item, defaults, `/evaluations/${index}`));
  const isLast = stops[options?.evaluations_semantic ?? 'execute_all'];
  const results: { decision: boolean }[] = [];
  for (const question of questions) {
    const result = reasonOf(await pdp.check(principal, question));
    results.push(result);
    if (isLast?.(result.decision)) break;
  }
  return { evaluations: results };
};

const base = '/access/v1';

const mountAuthzen = (admin: AdminRoutes, pdp: Pdp, issuer: string): void => {
  admin.get(
    '/.well-known/authzen-configuration',
    { summary: 'AuthZEN metadata of the decision point', permission: 'public', response: schema.Metadata, status: 200 },
    async () =>
      answer({
        headers: { 'Cache-Control': 'public, max-age=300', 'Access-Control-Allow-Origin': '*' },
        body: {
          policy_decision_point: issuer,
          access_evaluation_endpoint: `${issuer}${base}/evaluation`,
          access_evaluations_endpoint: `${issuer}${base}/evaluations`,
          search_subject_endpoint: `${issuer}${base}/search/subject`,
          search_action_endpoint: `${issuer}${base}/search/action`,
        },
      }),
  );
  admin.post(
    `${base}/evaluation`,
    {
      summary: 'AuthZEN access evaluation',
      permission: 'self',
      scope,
      body: schema.Evaluation,
      response: schema.Decision,
      status: 200,
    },
    async ({ body, principal }) => reasonOf(await pdp.check(principal, questionOf(body, {}, ''))),
  );
  admin.post(
    `${base}/evaluations`,
    {
      summary: 'AuthZEN access evaluations',
      permission: 'self',
      scope,
      body: schema.Evaluations,
      response: schema.Decisions,
      status: 200,
    },
    async ({ body, principal }) => await evaluate(pdp, principal, body),
  );
  admin.post(
    `${base}/search/subject`,
    {
      summary: 'AuthZEN subject search: who may do it',
      permission: 'self',
      scope,
      body: schema.SubjectSearch,
      response: schema.SearchResults,
      status: 200,
    },
    async ({ body: { subject, action, resource, context, page }, principal }) => {
      const question = { action: action.name, resource: { ...resource, attributes: resource.properties }, context };
      if (subject.type !== 'user') return { results: [] };
      const { ids, next } = await pdp.searchSubjects(principal, question, page?.limit ?? 1000, page?.token || undefined);
      return { results: ids.map((id) => ({ type: 'user', id })), ...(next !== undefined && { page: { next_token: next } }) };
    },
  );
  admin.post(
    `${base}/search/action`,
    {
      summary: 'AuthZEN action search: what a subject may do to an object',
      permission: 'self',
      scope,
      body: schema.ActionSearch,
      response: schema.SearchResults,
      status: 200,
    },
    async ({ body: { subject, resource, context }, principal }) => {
      const question = { resource: { ...resource, attributes: resource.properties }, context };
      const names = await pdp.searchActions(principal, subject, question);
      return { results: names.map((name) => ({ name })) };
    },
  );
};

export const mountDecisionRoutes = (admin: AdminRoutes, pdp: Pdp, issuer: string): void => {
  mountCheck(admin, pdp);
  mountAuthzen(admin, pdp, issuer);
};

const identifier = /^[\x21-\x7e]{1,200}$/;

/** AuthZEN 1.0 §10.1.5: the caller's X-Request-ID comes back, also with refusals. */
export const echoRequestId: Koa.Middleware = async (ctx, next) => {
  const id = ctx.get('x-request-id');
  if (ctx.path.startsWith(`${base}/`) && identifier.test(id)) ctx.set('X-Request-ID', id);
  await next();
};
