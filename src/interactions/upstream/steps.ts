import { type Arrival, asksAgain, type SignInPlace, type Upstream, type UpstreamOutcome } from '../../authn/index.ts';
import type { PageRoutes } from '../../platform/http/index.ts';
import { signInPlace } from '../mfa/page.ts';
import type { Dispatch } from '../mfa/steps.ts';
import type { StepContext } from '../steps.ts';
import { sendAway } from './browser.ts';
import { createOffers, failureAddress, problemOf, type UpstreamView, viewOfArrival } from './view.ts';

export type UpstreamSteps = ReturnType<typeof createUpstreamSteps>;

/** What makes a sign-in here new makes it new there too (OpenID Connect Core §3.1.2.1 `prompt`, `max_age`). */
const maxAgeOf = ({ details }: StepContext): number | undefined => {
  const { prompt, max_age: maxAge } = details.params;
  const isAgain = details.accountId !== undefined || (typeof prompt === 'string' && prompt.split(' ').includes('login'));
  if (isAgain) return 0;
  const seconds = Number(maxAge);
  return maxAge !== undefined && Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : undefined;
};

/** A sign-in that was to be new is shown by a factor of our own where the provider does not ask again; no remembered device stands for it. */
const placeAfter = (step: StepContext, { provider }: Arrival): SignInPlace => {
  const place = signInPlace(step);
  return maxAgeOf(step) === undefined || asksAgain(provider) ? place : { ...place, trustedDevice: undefined };
};

const text = (value: unknown): string | undefined => (typeof value === 'string' && value.length <= 320 ? value : undefined);

const wishesOf = (step: StepContext) => ({
  maxAgeSeconds: maxAgeOf(step),
  loginHint: text(step.details.params.login_hint),
  acrValues: text(step.details.params.acr_values),
  locale: step.locale,
});

/** Signing in with another provider, as steps of a hosted sign-in (FEATURES A5). */
export const createUpstreamSteps = (upstream: Upstream, { atSignIn, finish }: Pick<Dispatch, 'atSignIn' | 'finish'>) => {
  const { flows, people, waiting } = upstream;
  const offersFor = createOffers(upstream);

  const goOn = async (step: StepContext, arrival: Arrival, outcome: UpstreamOutcome): Promise<void> => {
    const { page, base, details } = step;
    switch (outcome.kind) {
      case 'authenticated':
        return finish(step, outcome);
      case 'needs_factor':
      case 'needs_enrolment':
        return page.redirect(base);
      case 'connect':
        await waiting.keepToConnect(details.uid, arrival, outcome.reason);
        return page.redirect(`${base}/connect`);
      default:
        page.redirect(failureAddress(`${base}/login`, 'refused', arrival.provider.name));
    }
  };

  const showConnect = async (step: StepContext): Promise<void> => {
    const arrival = await waiting.connecting(step.details.uid);
    if (!arrival) return step.page.redirect(`${step.base}/login`);
    const { reason } = arrival;
    const isNew = reason === 'address_missing' || reason === 'address_unproven';
    step.show('upstream-connect', {
      action: `${step.base}/connect`,
      loginUrl: `${step.base}/login`,
      connecting: viewOfArrival(arrival),
      canCreate: isNew && people.mayCreate(arrival),
    });
  };

  const decide = async (step: StepContext): Promise<void> => {
    const { page, base, details } = step;
    const { decision } = page.form;
    if (decision !== 'create' && decision !== 'drop') return showConnect(step);
    const arrival = await waiting.takeToConnect(details.uid);
    if (!arrival || decision === 'drop') return page.redirect(`${base}/login`);
    await goOn(step, arrival, await people.signUp(arrival, signInPlace(step)));
  };

  return {
    /** What the sign-in and sign-up pages show. */
    viewOf: async ({ page, details, base }: StepContext): Promise<UpstreamView> => {
      const offers = await offersFor(details.client.clientId, details.accountId, base);
      // Nobody waits where nobody could have been sent away.
      const arrival = offers.length === 0 ? undefined : await waiting.connecting(details.uid);
      const connecting = arrival && viewOfArrival(arrival);
      return { offers, connecting, problem: problemOf(page.query, offers) };
    },

    /** Joins who waits to the account that has just signed in, with all its factors (SO-07). */
    connect: async ({ details }: StepContext, accountId: string): Promise<void> => {
      const arrival = await waiting.takeToConnect(details.uid);
      if (arrival) await people.link(accountId, arrival, 'sign-in');
    },

    mount: (pages: PageRoutes): void => {
      pages.get(
        '/interaction/:uid/upstream/:provider',
        atSignIn(async (step) => {
          const { page, details, base } = step;
          const { uid, client } = details;
          const name = page.params.provider ?? '';
          const errand = { purpose: 'page', uid, clientId: client.clientId } as const;
          const result = await sendAway(page, flows, [name, errand, wishesOf(step)]);
          if (result !== 'away') page.redirect(failureAddress(`${base}/login`, result, name));
        }),
      );
      pages.get(
        '/interaction/:uid/upstream',
        atSignIn(async (step) => {
          const arrival = await waiting.takeForPage(step.details.uid);
          if (!arrival) return step.page.redirect(step.base);
          await goOn(step, arrival, await people.signIn(arrival, placeAfter(step, arrival)));
        }),
      );
      pages.get('/interaction/:uid/connect', atSignIn(showConnect));
      pages.post('/interaction/:uid/connect', atSignIn(decide));
    },
  };
};
