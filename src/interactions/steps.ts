import type { InteractionDetails } from '../oidc/index.ts';
import type { PageContext } from '../platform/http/index.ts';
import type { House } from '../platform/ports.ts';
import type { Locale, MessageValues } from '../platform/views/index.ts';
import { type ApplicationView, formTargetOf, viewOfClient } from './application.ts';
import type { UpstreamView } from './upstream/view.ts';

/** What is wrong with a form: the field it is about, and the message by its key in the catalogue. */
export interface FormError {
  field?: string;
  key: string;
  values?: MessageValues;
}

/** A stored sign-in and the request that asks for its next step. */
export interface StepContext {
  /** At the sign-in and sign-up steps: other providers. */
  upstream?: UpstreamView | undefined;
  page: PageContext;
  details: InteractionDetails;
  client: ApplicationView;
  locale: Locale;
  /** Where this sign-in lives: `/interaction/:uid`. */
  base: string;
  /** Renders with what every page of a sign-in shows. */
  show(template: string, values: Record<string, unknown>, status?: number): void;
}

/** One kind of page of a sign-in. It shows itself; what its form brings goes back to the dispatcher. */
export type Step = (step: StepContext) => Promise<void>;

export const stepContext = (page: PageContext, details: InteractionDetails, house?: House): StepContext => {
  const returnAddress = details.isDevice ? undefined : details.params.redirect_uri;
  const target = formTargetOf(returnAddress);
  if (target !== undefined) page.allowFormTarget(target);
  const uiLocales = details.params.ui_locales;
  const locale = page.localeFor(typeof uiLocales === 'string' ? uiLocales : undefined);
  const client = viewOfClient(details.client, returnAddress);
  const base = `/interaction/${details.uid}`;
  return {
    page,
    details,
    client,
    locale,
    base,
    show: (template, values, status) => page.render(template, { locale, client, house, path: base, ...values }, status),
  };
};
