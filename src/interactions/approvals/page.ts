import type { ApprovalDetails, ApprovalPages, BrowserSession, BrowserSessions } from '../../oidc/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import type { Views } from '../../platform/views/index.ts';
import { shownAs } from '../application.ts';
import { type Accounts, viewOfPerson } from '../consent/page.ts';
import { wordsOfConsent } from '../consent/words.ts';
import { errors } from '../errors.ts';
import type { FormError } from '../steps.ts';

export interface ApprovalPageDeps {
  approvals: ApprovalPages;
  browser: BrowserSessions;
  accounts: Accounts;
  views: Pick<Views, 'translator'>;
}

const base = '/approvals';

/** OpenID CIBA Core 1.0: the person, signed in here, answers what an application asks for elsewhere. */
export const mountApprovals = (pages: PageRoutes, { approvals, browser, accounts, views }: ApprovalPageDeps): void => {
  const sessionOf = ({ ctx: { req, res }, request: info }: PageContext): Promise<BrowserSession | undefined> =>
    browser.current({ req, res, info });

  const showOne = async (
    page: PageContext,
    session: BrowserSession,
    details: ApprovalDetails,
    mistakes: readonly FormError[] = [],
  ): Promise<void> => {
    const claims = (await accounts.find(session.accountId))?.claims ?? {};
    const { client, house } = shownAs(details.client);
    const words = views.translator(page.locale);
    page.render(
      'approval',
      {
        action: `${base}/${details.id}`,
        client,
        house,
        account: viewOfPerson(claims, session.accountId),
        bindingMessage: details.bindingMessage,
        groups: wordsOfConsent(details.consent, { claims, client: client.name, words }),
        errors: mistakes,
        path: base,
      },
      mistakes.length > 0 ? 400 : 200,
    );
  };

  /** From a sign-in that was asked for by an answer. */
  const wordsOfReturn = ({ query }: PageContext): FormError[] =>
    query.error === undefined ? [] : [{ key: 'approval.not_proven' }];

  const done = (page: PageContext, key: string, kind: string): void =>
    page.render('notice', { key, kind, links: [{ key: 'link.home', href: '/' }], path: base });

  pages.get(base, async (page) => {
    const session = await sessionOf(page);
    if (!session) return page.redirect(browser.signInAddress(base));
    const waiting = await approvals.waiting(session.accountId);
    const [first] = waiting;
    if (!first) return done(page, 'approval.nothing', 'info');
    if (waiting.length === 1) return await showOne(page, session, first, wordsOfReturn(page));
    const items = waiting.map(({ id, client, bindingMessage }) => ({ href: `${base}/${id}`, name: client.name, bindingMessage }));
    page.render('approvals', { items, path: base });
  });

  const oneOf = async (page: PageContext, session: BrowserSession): Promise<ApprovalDetails> => {
    const found = (await approvals.waiting(session.accountId)).find(({ id }) => id === page.params.id);
    if (!found) throw errors.approval_over();
    return found;
  };

  pages.get(`${base}/:id`, async (page) => {
    const session = await sessionOf(page);
    if (!session) return page.redirect(browser.signInAddress(base));
    await showOne(page, session, await oneOf(page, session));
  });

  const allow = async (page: PageContext, session: BrowserSession): Promise<void> => {
    const id = String(page.params.id);
    const lacking = await approvals.lacking(session, id);
    // The person comes back with a stronger session, and answers then.
    if (lacking) return page.redirect(browser.signInAddress(base, lacking));
    await approvals.answer(session, id, true);
    done(page, 'approval.allowed', 'success');
  };

  pages.post(`${base}/:id`, async (page) => {
    const session = await sessionOf(page);
    if (!session) return page.redirect(browser.signInAddress(base));
    const { decision } = page.form;
    if (decision === 'allow') return allow(page, session);
    if (decision !== 'deny') return showOne(page, session, await oneOf(page, session), [{ key: 'consent.undecided' }]);
    await approvals.answer(session, String(page.params.id), false);
    done(page, 'approval.denied', 'info');
  });
};
