import type { Authn } from './authn/index.ts';
import type { Foundation } from './foundation.ts';
import type { Oidc } from './oidc/index.ts';

const keyJobSeconds = 3600;
const sweepJobSeconds = 300;

/** What leaves by the outbox, and what runs by the clock. */
export const declareBackground = (
  { outbox, jobs }: Pick<Foundation, 'outbox' | 'jobs'>,
  { authn, oidc }: { authn: Authn; oidc: Oidc },
): void => {
  outbox.subscribe(authn.notices.topic, ({ payload }) => authn.notices.deliver(payload));
  outbox.subscribe(oidc.logoutNotices.topic, ({ payload }) => oidc.logoutNotices.deliver(payload));
  outbox.subscribe(oidc.pings.topic, ({ payload }) => oidc.pings.deliver(payload));
  jobs.every('signing-keys', keyJobSeconds, () => oidc.keys.maintain());
  jobs.every('replaced-addresses', keyJobSeconds, async () => void (await authn.emailChange.settle()));
  jobs.every('expired-artifacts', sweepJobSeconds, ({ signal }) => oidc.sweep(signal));
};
