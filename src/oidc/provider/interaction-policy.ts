import { interactionPolicy } from 'oidc-provider';

const { base, Check, Prompt } = interactionPolicy;

/** OpenID Connect Core §3.1.2.1 `select_account`, Initiating User Registration 1.0 `create`: each asks before a sign-in. */
export const createInteractionPolicy = (): interactionPolicy.DefaultPolicy => {
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
  return policy;
};
