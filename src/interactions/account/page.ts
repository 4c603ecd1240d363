import { type Accounts, viewOfPerson } from '../consent/page.ts';
import type { FormError, StepContext } from '../steps.ts';

/** Account chooser (OIDC Core 1.0 §3.1.2.1 `prompt=select_account`): who is signed in here, or somebody else. */
export const showAccounts = async (
  step: StepContext,
  { accounts }: { accounts: Accounts },
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => {
  const accountId = step.details.accountId ?? '';
  const account = viewOfPerson((await accounts.find(accountId))?.claims ?? {}, accountId);
  step.show('select-account', { action: `${step.base}/select-account`, account, errors }, status);
};
