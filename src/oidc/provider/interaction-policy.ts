import { errors, interactionPolicy } from 'oidc-provider';
import { isTwofold, leastLevel, levelOf } from '../../platform/assurance/index.ts';
import type { FactorDemand } from '../ports.ts';
import { acrWish } from './acr.ts';

const { base, Check, Prompt } = interactionPolicy;

/** Reasons of the login prompt that a second factor of the person signed in answers. */
export const stepUpReasons = { acr: 'acr_unmet', factor: 'factor_required' } as const;

/** `acr_values` and `acr` claims: levels are ordered, and a stronger sign-in answers a weaker wish. */
const acrCheck = () =>
  new Check(stepUpReasons.acr, 'none of the requested ACRs could be obtained', 'login_required', (ctx) => {
    const { session, result, params } = ctx.oidc;
    const { values, isEssential } = acrWish(params ?? {});
    const least = leastLevel(values);
    if (values.length === 0 || (least > 0 && levelOf(session?.acr) >= least)) return Check.NO_NEED_TO_PROMPT;
    if (least > 0 && !result?.login) return Check.REQUEST_PROMPT;
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0, RFC 9470 §5.
    if (isEssential) throw new errors.UnmetAuthenticationRequirements('none of the requested ACRs can be obtained');
    return Check.NO_NEED_TO_PROMPT;
  });

/** Of a sign-in on our own pages: the application that waits for what the person does there. It can only ask for more. */
export const onBehalfParameter = 'castellan_on_behalf_of';

/** @param params of the authorization request */
export const onBehalfOf = (params: Readonly<Record<string, unknown>> = {}): string | undefined => {
  const { [onBehalfParameter]: value } = params;
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** A9: somebody signed in with less than a policy asks for here. */
const factorCheck = ({ isRequired }: FactorDemand) =>
  new Check(stepUpReasons.factor, 'a second factor is required', 'login_required', async (ctx) => {
    const { session, client, params } = ctx.oidc;
    if (session?.accountId === undefined || isTwofold(session.amr) || levelOf(session.acr) === 2) return Check.NO_NEED_TO_PROMPT;
    return (await isRequired(session.accountId, [client?.clientId, onBehalfOf(params)]))
      ? Check.REQUEST_PROMPT
      : Check.NO_NEED_TO_PROMPT;
  });

/** Of the login prompt: somebody signed in wants to go on as somebody else. */
export const switchReason = 'account_switched';

/** Core §3.1.2.1 `select_account`: whoever chose another account signs in to that one; the session's answers for nothing. */
const switchCheck = () =>
  new Check(switchReason, 'another account was chosen', 'login_required', (ctx) => {
    const { select_account: selection, login } = (ctx.oidc.result ?? {}) as {
      select_account?: { isSwitch?: true };
      login?: object;
    };
    return selection?.isSwitch && login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });

/** A3: a new version of the terms is asked for once the person is known, whatever session there is. */
const termsPrompt = ({ areTermsDue }: FactorDemand) =>
  new Prompt(
    { name: 'terms', requestable: false },
    new Check('terms_due', 'new terms have to be accepted', async (ctx) => {
      const accountId = ctx.oidc.session?.accountId;
      return accountId !== undefined && (await areTermsDue(accountId)) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    }),
  );

/** OpenID Connect Core §3.1.2.1 `select_account`, Initiating User Registration 1.0 `create`: each asks before a sign-in. */
export const createInteractionPolicy = (demand: FactorDemand): interactionPolicy.DefaultPolicy => {
  const policy = base();
  const answered = (name: string) =>
    new Check(`${name}_requested`, `${name} was requested`, (ctx) => {
      const { prompts, result } = ctx.oidc;
      const isOver = result !== undefined && (name in result || 'login' in result);
      return prompts.has(name) && !isOver ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    });
  const login = policy.get('login');
  policy.add(new Prompt({ name: 'create', requestable: true }, answered('create')), 0);
  const selection = new Prompt(
    { name: 'select_account', requestable: true },
    new Check('select_account_requested', 'select_account was requested', (ctx) => {
      const { prompts, result, session } = ctx.oidc;
      const isOver = result !== undefined && ('select_account' in result || 'login' in result);
      return prompts.has('select_account') && session?.accountId !== undefined && !isOver
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT;
    }),
  );
  policy.add(selection, 1);
  if (!login) throw new Error('the core has no login prompt');
  for (const reason of ['essential_acr', 'essential_acrs']) login.checks.remove(reason);
  login.checks.add(switchCheck());
  login.checks.add(acrCheck());
  login.checks.add(factorCheck(demand));
  // Behind create, select_account and login, ahead of consent.
  policy.add(termsPrompt(demand), 3);
  return policy;
};
