import type { Upstream } from '../../authn/index.ts';
import type { CookieChange, PageContext, RequestInfo } from '../../platform/http/index.ts';

/** SO-03: what a browser that was sent to a provider holds; a callback without it is nobody's. */
const cookieName = 'castellan_upstream';
/** As long as a sign-in may be away, and a little. */
const cookieSeconds = 900;

export const heldBy = (request: RequestInfo): string | undefined => request.cookie(cookieName);
export const toHold = (value: string): CookieChange => ({ name: cookieName, value, seconds: cookieSeconds });

type StartOptions = Parameters<Upstream['flows']['start']>;

/**
 * Sends the browser to the provider.
 * @returns why not, when it stays: `unknown` provider or its failure
 */
export const sendAway = async (
  page: PageContext,
  flows: Pick<Upstream['flows'], 'start'>,
  [name, errand, wishes]: [StartOptions[0], StartOptions[1], StartOptions[2]],
): Promise<'away' | 'unknown' | 'denied' | 'unavailable' | 'untrusted'> => {
  const outcome = await flows.start(name, errand, wishes, heldBy(page.request));
  if (outcome.kind === 'unknown') return 'unknown';
  if (outcome.kind === 'failed') return outcome.failure;
  page.keepCookie(toHold(outcome.browser));
  page.redirect(outcome.url);
  return 'away';
};
