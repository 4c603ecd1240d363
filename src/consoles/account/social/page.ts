import type { Authn } from '../../../authn/index.ts';
import { linkPath, problemOf, sendAway } from '../../../interactions/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { Refusal, errors as shared } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { AccountSession } from '../session/page.ts';

export interface SocialPageDeps {
  authn: Pick<Authn, 'factors' | 'upstream'>;
  session: AccountSession;
  clientId: string;
}

const security = '/account/security';
const base = `${security}/social`;

/** What the overview shows: what is connected, what may be, how the last try went. */
export const createSocialOverview =
  ({ upstream, clientId }: { upstream: Authn['upstream']; clientId: string }) =>
  async (page: PageContext, accountId: string) => {
    const offers = await upstream.offers(clientId);
    const connected = (await upstream.socialAccounts.list(accountId)).map((one) => ({ ...one, href: `${base}/${one.id}` }));
    const connectable = offers.map(({ name, displayName, kind }) => ({
      name,
      displayName,
      kind,
      href: `${linkPath}/${name}`,
    }));
    return { connected, connectable, problem: problemOf(page.query, offers) };
  };

/** A person's sign-ins with other providers: connect, look, disconnect (FEATURES A5, SO-07, SO-08). */
export const mountSocialPages = (pages: PageRoutes, { authn, session, clientId }: SocialPageDeps): void => {
  const { upstream, factors } = authn;
  const { flows, people, waiting, socialAccounts } = upstream;
  const ownerOf = (page: PageContext) => session.owner(page, factors.neededLevel);

  const failedAt = (page: PageContext, failed: string, from: string): void =>
    page.redirect(`${security}?${new URLSearchParams({ failed, from })}`);

  pages.get(`${linkPath}/:provider`, async (page) => {
    const owner = await ownerOf(page);
    if (!owner) return;
    const name = page.params.provider ?? '';
    const isOffered = (await upstream.offers(clientId)).some((offer) => offer.name === name);
    if (!isOffered) throw shared.not_found();
    const errand = { purpose: 'link', accountId: owner.accountId, session: owner.uid } as const;
    const result = await sendAway(page, flows, [name, errand, { maxAgeSeconds: 0, locale: page.locale }]);
    if (result !== 'away') failedAt(page, result, name);
  });

  pages.get(linkPath, async (page) => {
    const owner = await ownerOf(page);
    if (!owner) return;
    const arrival = await waiting.linking(owner.uid, owner.accountId);
    if (!arrival) return page.redirect(security);
    const { provider, person } = arrival;
    page.render('social-connect', {
      action: linkPath,
      provider: provider.displayName,
      person: { name: person.name ?? person.email ?? person.subject, login: person.email ?? person.name },
      base: security,
    });
  });

  pages.post(linkPath, async (page) => {
    const owner = await ownerOf(page);
    if (!owner) return;
    const arrival = await waiting.takeToLink(owner.uid, owner.accountId);
    if (!arrival || page.form.decision !== 'allow') return page.redirect(security);
    const isLinked = await people.link(owner.accountId, arrival, 'account');
    if (isLinked) page.redirect(security);
    else failedAt(page, 'taken', arrival.provider.name);
  });

  const show = async (page: PageContext, accountId: string, errors: { key: string }[] = [], status = 200): Promise<void> => {
    const account = (await socialAccounts.list(accountId)).find(({ id }) => id === page.params.id);
    if (!account) throw shared.not_found();
    page.render('social-account', { action: `${base}/${account.id}`, account, base: security, errors }, status);
  };
  pages.get(`${base}/:id`, async (page) => {
    const owner = await ownerOf(page);
    if (owner) await show(page, owner.accountId);
  });
  pages.post(`${base}/:id`, async (page) => {
    const owner = await ownerOf(page);
    if (!owner) return;
    try {
      const { id } = page.params;
      if (!isUuid(id)) throw shared.not_found();
      if (page.form.remove !== undefined) await socialAccounts.remove(owner.accountId, id);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'social_account_is_last') throw error;
      return show(page, owner.accountId, [{ key: 'social.is_last' }], 409);
    }
    page.redirect(security);
  });
};
