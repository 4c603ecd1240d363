import type { Terms } from '../../authn/index.ts';
import type { FormError, StepContext } from '../steps.ts';

/** A new version of the terms stands between a sign-in and the application (FEATURES A3). */
export const showTerms = async (
  step: StepContext,
  terms: Pick<Terms, 'viewFor'>,
  errors: readonly FormError[] = [],
  status = 200,
): Promise<void> => step.show('terms', { action: `${step.base}/terms`, terms: await terms.viewFor(step.locale), errors }, status);
