import type { Terms } from '../../authn/index.ts';
import type { RequestInfo } from '../../platform/http/index.ts';
import { errors } from '../errors.ts';

/** The version that the caller's person accepts with this request. */
export const acceptedTerms = (request: RequestInfo): string | undefined => request.header('x-accept-terms')?.slice(0, 50);

/** A3: the newest terms are accepted before or with a sign-in. @throws terms_required */
export const createTermsGate =
  (terms: Pick<Terms, 'current' | 'isDue' | 'accept'>) =>
  async (accountId: string, request: RequestInfo): Promise<void> => {
    if (!(await terms.isDue(accountId))) return;
    const version = acceptedTerms(request);
    if (version !== undefined && (await terms.accept(accountId, version))) return;
    const row = await terms.current();
    throw errors.terms_required({ extensions: { terms: row && { version: row.version, texts: row.texts } } });
  };
