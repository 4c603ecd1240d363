import type { ProtocolPages } from '../../oidc/index.ts';
import type { PageOf } from '../../platform/http/index.ts';
import { shownAs } from '../application.ts';

interface Problem {
  status: number;
  error: string;
  description?: string | undefined;
}

/** Refusals of the core that tell more by their description than by their code. */
const byDescription: readonly [RegExp, string][] = [
  [/post_logout_redirect_uri/, 'logout_redirect'],
  [/redirect_uri/, 'redirect'],
  [/logout details/, 'logout_over'],
  // Of the two forms with a secret in the session, the device's tells of it by itself.
  [/xsrf/, 'logout_again'],
  [/cookie not found|session mismatch|form details/, 'other_browser'],
  [/session not found|request has expired|has expired/, 'expired'],
];

const byCode: Record<string, string> = {
  invalid_client: 'unknown_client',
  invalid_redirect_uri: 'redirect',
  temporarily_unavailable: 'unavailable',
  access_denied: 'denied',
};

/** Which of the pages in `views/error.njk` fits. */
export const kindOfProblem = ({ status, error, description = '' }: Problem): string => {
  if (byCode[error] !== undefined) return byCode[error];
  if (status >= 500) return 'internal';
  return byDescription.find(([pattern]) => pattern.test(description))?.[1] ?? 'request';
};

const links: Record<string, { key: string; href: string }[]> = {
  logout_again: [{ key: 'logout.title', href: '/logout' }],
  logout_over: [{ key: 'link.account', href: '/account' }],
};

/** RU-02: what must not redirect is told here, with what the person and the developer can do. */
export const createErrorPage = (pageOf: PageOf): Pick<ProtocolPages, 'error'> => ({
  error: (ctx, problem) => {
    const kind = kindOfProblem(problem);
    const description = problem.status < 500 ? problem.description : undefined;
    const about = problem.client && shownAs(problem.client);
    pageOf(ctx).render(
      'error',
      { kind, error: problem.error, description, ...about, links: links[kind], path: '/' },
      problem.status,
    );
  },
});
