import { type Entry, entriesOf } from './engine.ts';

const dynamic = { server_metadata: 'discovery', client_registration: 'dynamic_client' };
const responseTypes = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];

interface OwnPlan {
  plan: string;
  variants: Record<string, string>[];
}

/** The plans we express ourselves, each with the variants of `conformance/plans`. */
const ownPlans: readonly OwnPlan[] = [
  ...['basic', 'implicit', 'hybrid', 'config', 'formpost-basic', 'formpost-implicit', 'formpost-hybrid'].map((name) => ({
    plan: `oidcc-${name}-certification-test-plan`,
    variants: [dynamic],
  })),
  ...['dynamic', '3rdparty-init-login'].map((name) => ({
    plan: `oidcc-${name}-certification-test-plan`,
    variants: responseTypes.map((type) => ({ ...dynamic, response_type: type })),
  })),
  ...['rp-initiated-logout', 'session-management', 'frontchannel-rp-initiated-logout', 'backchannel-rp-initiated-logout'].map(
    (name) => ({
      plan: `oidcc-${name}-certification-test-plan`,
      variants: ['code', 'code id_token'].map((type) => ({ ...dynamic, response_type: type })),
    }),
  ),
];

/** Whether a plan is meant by one of the words of the command line: its name or a part of it. */
export const isMeant = (plan: string, words: readonly string[]): boolean =>
  words.length === 0 || words.some((word) => plan === word || plan.includes(`-${word}-`));

export const ownEntries = (words: readonly string[]): Entry[] =>
  ownPlans
    .filter(({ plan }) => isMeant(plan, words))
    .flatMap(({ plan, variants }) => variants.flatMap((variant) => entriesOf(plan, variant)));
