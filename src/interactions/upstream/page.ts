import type { Errand, SignInOutcome, Upstream, UpstreamFailure } from '../../authn/index.ts';
import { Refusal } from '../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import type { AuthApi } from '../api/service.ts';
import { errors } from '../errors.ts';
import { heldDevice } from '../login/browser.ts';
import { heldTrust } from '../mfa/trusted.ts';
import { heldBy } from './browser.ts';
import { failureAddress } from './view.ts';

/** Where a person of the account console decides. */
export const linkPath = '/account/security/connect';
const securityPath = '/account/security';

export interface CallbackDeps {
  upstream: Upstream;
  api: Pick<AuthApi, 'answerTo' | 'modes'>;
}

type Came = Extract<Awaited<ReturnType<Upstream['flows']['finish']>>, { kind: 'person' }>;
type ApiErrand = Extract<Errand, { purpose: 'api' }>;

const refusalOf: Record<UpstreamFailure, () => Refusal> = {
  denied: errors.social_sign_in_denied,
  unavailable: errors.social_provider_unavailable,
  untrusted: errors.social_answer_refused,
};

/** RFC 6749 §4.1.2.1 */
const oauthErrors: Record<string, string> = {
  social_sign_in_denied: 'access_denied',
  social_provider_unavailable: 'temporarily_unavailable',
  social_account_needed: 'account_needed',
};

const withQuery = (address: string, values: Record<string, string>): string => {
  const separator = address.includes('?') ? '&' : '?';
  return `${address}${separator}${new URLSearchParams(values)}`;
};

const sendJson = ({ ctx }: PageContext, body: unknown): void => {
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(body);
};

/**
 * Leads on by a new navigation. Chromium holds the whole chain of redirects after a form to the `form-action` of its page: a provider
 * that sends people to us by one, as we do ourselves, allows us and nobody to whom we send them on.
 */
const leadOn = (page: PageContext, href: string): void => page.render('continue', { href, path: '/' });

/**
 * `GET /api/v1/auth/social/:provider/callback`: where every provider sends people back to. What they went away for decides where it
 * leads; nothing is decided here but that it is the browser that went (SO-03).
 */
export const mountUpstreamCallback = (pages: PageRoutes, { upstream, api }: CallbackDeps): void => {
  const { flows, people, waiting } = upstream;

  /** @throws social_account_needed, social_sign_in_refused */
  const signInFor = async (came: Came, { clientId, mayCreate }: ApiErrand, page: PageContext): Promise<SignInOutcome> => {
    const { ip, userAgent } = page.request;
    const place = {
      channel: 'api',
      clientId,
      from: { ip, userAgent, device: heldDevice(page), isBrowser: true },
      trustedDevice: heldTrust(page),
    } as const;
    const first = await people.signIn(came, place);
    const isNew = first.kind === 'connect' && mayCreate && first.reason !== 'address_taken';
    const outcome = isNew ? await people.signUp(came, place) : first;
    if (outcome.kind === 'refused') throw errors.social_sign_in_refused();
    if (outcome.kind !== 'connect') return outcome;
    throw errors.social_account_needed({ extensions: { reason: outcome.reason, provider: came.provider.name } });
  };

  /** An application elsewhere gets its answer by its address, without a token in it; one that called us, here. */
  const answerApi = async (page: PageContext, errand: ApiErrand, provider: string, work: () => Promise<SignInOutcome>) => {
    const { returnTo, challenge } = errand;
    if (returnTo === undefined || challenge === undefined) {
      return sendJson(page, await api.answerTo(await work(), page.request, api.modes.chosen({}, page.request)));
    }
    try {
      const code = await waiting.keepForExchange(provider, { challenge, outcome: await work() });
      leadOn(page, withQuery(returnTo, { code }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      leadOn(page, withQuery(returnTo, { error: oauthErrors[error.code] ?? 'access_denied' }));
    }
  };

  const failed = async (page: PageContext, errand: Errand, provider: string, failure: UpstreamFailure): Promise<void> => {
    if (errand.purpose === 'page') return page.redirect(failureAddress(`/interaction/${errand.uid}/login`, failure, provider));
    if (errand.purpose === 'link') return page.redirect(failureAddress(securityPath, failure, provider));
    await answerApi(page, errand, provider, async () => {
      throw refusalOf[failure]();
    });
  };

  const arrived = async (page: PageContext, came: Came): Promise<void> => {
    const { errand, provider } = came;
    if (errand.purpose === 'page') {
      await waiting.keepForPage(errand.uid, came);
      return leadOn(page, `/interaction/${errand.uid}/upstream`);
    }
    if (errand.purpose === 'link') {
      await waiting.keepToLink(errand.session, errand.accountId, came);
      return page.redirect(linkPath);
    }
    await answerApi(page, errand, provider.name, () => signInFor(came, errand, page));
  };

  pages.get('/api/v1/auth/social/:provider/callback', async (page) => {
    const name = page.params.provider ?? '';
    const outcome = await flows.finish(name, new URLSearchParams(page.query), heldBy(page.request));
    if (outcome.kind === 'failed') return failed(page, outcome.errand, name, outcome.failure);
    if (outcome.kind === 'person') return arrived(page, outcome);
    const refusal = errors.social_sign_in_over();
    if (page.ctx.accepts(['json', 'html']) !== 'html') throw refusal;
    const links = [{ key: 'link.home', href: '/' }];
    page.render('error', { kind: 'upstream_over', error: refusal.code, links, path: '/' }, refusal.status);
  });
};
