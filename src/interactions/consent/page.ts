import type { ConsentRequest } from '../../oidc/index.ts';
import type { Views } from '../../platform/views/index.ts';
import type { FormError, StepContext } from '../steps.ts';
import { wordsOfConsent } from './words.ts';

/** Accounts as `identity` shows them; `claims` are OIDC standard claims. */
export interface Accounts {
  find(id: string): Promise<{ claims: Record<string, unknown> } | undefined>;
}

export interface PersonView {
  name: string | undefined;
  login: string;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export const viewOfPerson = (claims: Record<string, unknown>, id: string): PersonView => ({
  name: textOf(claims.name),
  login: textOf(claims.email) ?? textOf(claims.preferred_username) ?? id,
});

export interface ConsentDeps {
  accounts: Accounts;
  views: Pick<Views, 'translator'>;
}

const nothing: ConsentRequest = { scopes: [], claims: [], resources: [], authorizationDetails: [] };

export const showConsent = async (
  step: StepContext,
  { accounts, views }: ConsentDeps,
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => {
  const accountId = step.details.accountId ?? '';
  const claims = (await accounts.find(accountId))?.claims ?? {};
  const words = views.translator(step.locale);
  step.show(
    'consent',
    {
      action: `${step.base}/consent`,
      account: viewOfPerson(claims, accountId),
      groups: wordsOfConsent(step.details.consent ?? nothing, { claims, client: step.client.name, words }),
      errors,
    },
    status,
  );
};
