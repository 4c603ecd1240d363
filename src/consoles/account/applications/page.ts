import { viewOfClient, wordsOfConsent } from '../../../interactions/index.ts';
import type { ConnectedApplication, ConnectedApplications } from '../../../oidc/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Views } from '../../../platform/views/index.ts';
import type { AccountSession } from '../session/page.ts';

export interface ApplicationsPageDeps {
  applications: ConnectedApplications;
  accounts: { find(id: string): Promise<{ claims: Record<string, unknown> } | undefined> };
  views: Pick<Views, 'translator'>;
  session: Pick<AccountSession, 'person'>;
}

const base = '/account/applications';
const one = `${base}/one`;

const hrefOf = ({ client }: ConnectedApplication): string => `${one}?${new URLSearchParams({ client: client.clientId })}`;

/** Applications that a person lets at their data: what each may do, since when, and taking it back (FEATURES A13, CO-08). */
export const mountApplicationPages = (
  pages: PageRoutes,
  { applications, accounts, views, session }: ApplicationsPageDeps,
): void => {
  const show = async (page: PageContext, accountId: string, application: ConnectedApplication): Promise<void> => {
    const { consent, agreedAt } = application;
    const claims = (await accounts.find(accountId))?.claims ?? {};
    const client = viewOfClient(application.client);
    const words = views.translator(page.locale);
    page.render('application', {
      action: hrefOf(application),
      // The one that the page is about, not one that asks: no links of its in the page's foot.
      application: client,
      groups: wordsOfConsent(consent, { claims, client: client.name, words }),
      agreedAt: agreedAt.toISOString(),
      base,
    });
  };

  const found = async (page: PageContext, accountId: string): Promise<ConnectedApplication> => {
    const all = await applications.list(accountId);
    const application = all.find(({ client }) => client.clientId === page.query.client);
    if (!application) throw shared.not_found();
    return application;
  };

  pages.get(base, async (page) => {
    const person = await session.person(page);
    if (!person) return;
    const all = await applications.list(person.accountId);
    const items = all.map((application) => ({
      ...viewOfClient(application.client),
      href: hrefOf(application),
      agreedAt: application.agreedAt.toISOString(),
    }));
    page.render('applications', { items, notice: page.query.ended === 'yes' ? 'applications.ended' : undefined });
  });

  pages.get(one, async (page) => {
    const person = await session.person(page);
    if (person) await show(page, person.accountId, await found(page, person.accountId));
  });

  pages.post(one, async (page) => {
    const person = await session.person(page);
    if (!person) return;
    const application = await found(page, person.accountId);
    if (page.form.revoke !== 'yes') return show(page, person.accountId, application);
    await applications.revoke(person.accountId, application.client.clientId);
    page.redirect(`${base}?ended=yes`);
  });
};
