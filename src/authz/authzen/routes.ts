/** OpenID AuthZEN Authorization API 1.0 over the one decision point (FEATURES Z5). */
import type { Static } from '@sinclair/typebox';
import type Koa from 'koa';
import { errors, Refusal } from '../../platform/errors/index.ts';
import { type AdminRoutes, answer, checkOf, type DirectRoute, decodeText, parseJson } from '../../platform/http/index.ts';
import type { Authenticator, Principal } from '../../platform/ports.ts';
import type { Question } from '../pdp/decide.ts';
import type { Answer, Check, Pdp } from '../pdp/service.ts';
import { Fault, type Members, pageOf, questionOf, rangeOf } from './requests.ts';
import * as schema from './schema.ts';

const scope = ['authz', 'api'] as const;
const base = '/access/v1';

const reasonOf = ({ allowed, decision }: Answer) => ({ decision: allowed, context: { reason: decision.kind } });

/** @throws invalid_request naming what is wrong */
const required = (item: Members, defaults: Members): Check => {
  try {
    return questionOf(item, defaults);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw errors.invalid_request({ errors: [{ path: error.path, message: error.message }] });
  }
};

const stops: Record<string, (decision: boolean) => boolean> = {
  execute_all: () => false,
  deny_on_first_deny: (decision) => !decision,
  permit_on_first_permit: (decision) => decision,
};

/** §7.2.1: what cannot be evaluated is denied, and says why. */
const evaluateItem = async (pdp: Pdp, principal: Principal, item: unknown, defaults: Members) => {
  try {
    return reasonOf(await pdp.check(principal, questionOf(item, defaults)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { decision: false, context: { error: { status: 400, message: `${error.path || 'the item'} ${error.message}` } } };
  }
};

const evaluate = async (pdp: Pdp, principal: Principal, body: Static<typeof schema.Evaluations>) => {
  const { evaluations, options, ...defaults } = body;
  if (!evaluations || evaluations.length === 0) return reasonOf(await pdp.check(principal, required({}, defaults)));
  const isLast = stops[options?.evaluations_semantic ?? 'execute_all'];
  const results: { decision: boolean; context: Members }[] = [];
  for (const item of evaluations) {
    const result = await evaluateItem(pdp, principal, item, defaults);
    results.push(result);
    if (isLast?.(result.decision)) break;
  }
  return { evaluations: results };
};

const mountMetadata = (admin: AdminRoutes, issuer: string): void =>
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
          search_resource_endpoint: `${issuer}${base}/search/resource`,
          search_action_endpoint: `${issuer}${base}/search/action`,
        },
      }),
  );

interface Searched {
  action: { name: string; properties?: Members };
  resource: { type: string; id?: string | undefined; properties?: Members };
  context?: Members;
}

/** The question of a search for subjects or resources. */
const searched = ({ action, resource, context }: Searched): Question => ({
  action: action.name,
  actionProperties: action.properties,
  resource: { type: resource.type, id: resource.id, attributes: resource.properties },
  context,
});

const mountSearches = (admin: AdminRoutes, pdp: Pdp): void => {
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
    async ({ body, principal }) => {
      const { subject } = body;
      const range = rangeOf(body);
      const { hits, next } = await pdp.searchSubjects(principal, subject.type, searched(body), range);
      return { page: pageOf(body, range, next, hits.length), results: hits.map(({ id }) => ({ type: subject.type, id })) };
    },
  );
  admin.post(
    `${base}/search/resource`,
    {
      summary: 'AuthZEN resource search: to which registered objects may a subject do it',
      permission: 'self',
      scope,
      body: schema.ResourceSearch,
      response: schema.SearchResults,
      status: 200,
    },
    async ({ body, principal }) => {
      const { subject, resource } = body;
      const range = rangeOf(body);
      // §8.5: which object is what is asked; an id that is given does not count.
      const question = searched({ ...body, resource: { ...resource, id: undefined } });
      const { hits, next } = await pdp.searchResources(principal, subject, question, range);
      return { page: pageOf(body, range, next, hits.length), results: hits.map(({ id }) => ({ type: resource.type, id })) };
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
      const question = { resource: { type: resource.type, id: resource.id, attributes: resource.properties }, context };
      const names = await pdp.searchActions(principal, subject, question);
      return { results: names.map((name) => ({ name })) };
    },
  );
};

export const mountAuthzenRoutes = (admin: AdminRoutes, pdp: Pdp, issuer: string): void => {
  mountMetadata(admin, issuer);
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
    async ({ body, principal }) => reasonOf(await pdp.check(principal, required(body, {}))),
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
  mountSearches(admin, pdp);
};

/**
 * The evaluation of a bearer ahead of the pipeline (PERFORMANCE.md, row 17): the token, the body and the decision are judged by the same
 * parts. A token that is not good is the pipeline's, which knows how to challenge.
 */
export const directEvaluation = (authenticate: Authenticator['authenticate'], decide: Pdp['check']): DirectRoute => {
  const check = checkOf(schema.Evaluation);
  return {
    line: `POST ${base}/evaluation`,
    body: 'json',
    answer: async ({ headers, body }) => {
      const value = /^bearer ([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
      if (value === undefined) return undefined;
      const principal = await authenticate({ scheme: 'Bearer', value }, ...scope).catch(unlessRefused);
      if (!principal) return undefined;
      const question = required(check(parseJson(decodeText(body))), {});
      return { body: reasonOf(await decide(principal, question)) };
    },
  };
};

const unlessRefused = (error: unknown): undefined => {
  if (!(error instanceof Refusal)) throw error;
};

const identifier = /^[\x21-\x7e]{1,200}$/;

/** AuthZEN 1.0 §10.1.5: the caller's X-Request-ID comes back, also with refusals. */
export const echoRequestId: Koa.Middleware = (ctx, next) => {
  if (!ctx.path.startsWith(`${base}/`)) return next();
  const id = ctx.get('x-request-id');
  if (identifier.test(id)) ctx.set('X-Request-ID', id);
  return next();
};
