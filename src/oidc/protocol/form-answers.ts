import type { Provider } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** The core marks its pages that submit themselves by the digest of their script. */
const isSelfSubmitting = (policy: string): boolean => policy.includes(`'sha256-`);

/**
 * OAuth 2.0 Form Post Response Mode §2: the answer is a form that posts itself to the client, which our policy for pages would keep from
 * leaving; and Chromium asks `form-action` for each redirect that follows, of which only the client knows (INTEROP.md). The form
 * has one target, and that is registered.
 */
export const formAnswers: Middleware = async (ctx, next) => {
  await next();
  const policy = ctx.response.get('Content-Security-Policy');
  if (!isSelfSubmitting(policy)) return;
  const directives = policy.split(/;\s*/).filter((directive) => !directive.startsWith('form-action'));
  ctx.set('Content-Security-Policy', directives.join('; '));
};
