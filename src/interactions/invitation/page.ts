import type { Acceptance, PasswordProblem } from '../../authn/index.ts';
import type { BrowserSessions } from '../../oidc/index.ts';
import type { PageContext, PageRoutes } from '../../platform/http/index.ts';
import { type Houses, viewOfHouse } from '../house.ts';
import { dropLink, linkOf, takeLink } from '../recovery/page.ts';
import { longestName, passwordErrors } from '../signup/page.ts';
import type { FormError } from '../steps.ts';

export interface InvitationPageDeps {
  invitations: Pick<Acceptance, 'look' | 'signUp' | 'join'>;
  browser: BrowserSessions;
  houses: Pick<Houses, 'named'>;
}

const path = '/invitation';
const words = passwordErrors('password');

/** A mailed invitation is accepted here: by a new account, or by whoever has one with that address (RS-11, RS-13). */
export const mountInvitation = (pages: PageRoutes, { invitations, browser, houses }: InvitationPageDeps): void => {
  const secretOf = (page: PageContext): string | undefined => {
    const link = linkOf(page);
    return link?.kind === 'invitation' ? link.secret : undefined;
  };
  const personOf = ({ ctx: { req, res }, request: info }: PageContext) => browser.current({ req, res, info });

  const gone = (page: PageContext): void => {
    dropLink(page);
    page.render('notice', { key: 'invitation.gone', kind: 'warning', links: [{ key: 'link.home', href: '/' }], path }, 400);
  };

  const show = async (page: PageContext, form: { name?: string; errors?: readonly FormError[] } = {}, status = 200) => {
    const invitation = await invitations.look(secretOf(page));
    if (!invitation) return gone(page);
    const isSignedIn = invitation.hasAccount && (await personOf(page)) !== undefined;
    const { errors = [], name } = form;
    const { organizationId } = invitation;
    const house = organizationId === undefined ? undefined : viewOfHouse(await houses.named(organizationId));
    page.wear(house);
    page.render('invitation', { ...invitation, isSignedIn, name, errors, path }, status);
  };

  const done = (page: PageContext): void => {
    dropLink(page);
    const links = [{ key: 'link.account', href: '/account' }];
    page.render('notice', { key: 'invitation.accepted', kind: 'success', links, path: '/' });
  };

  const join = async (page: PageContext): Promise<void> => {
    const person = await personOf(page);
    if (!person) return page.redirect(browser.signInAddress(path));
    const { kind } = await invitations.join(secretOf(page), person.accountId);
    if (kind === 'accepted') return done(page);
    if (kind === 'gone') return gone(page);
    await show(page, { errors: [{ key: 'invitation.not_yours' }] }, 403);
  };

  pages.get(path, async (page) => {
    if (!takeLink(page, 'invitation', path)) await show(page);
  });
  const signUp = async (page: PageContext): Promise<void> => {
    const { password = '' } = page.form;
    const name = (page.form.name ?? '').trim().slice(0, longestName);
    if (password === '') return show(page, { name, errors: [{ field: 'password', key: 'signup.missing_password' }] }, 400);
    const outcome = await invitations.signUp(secretOf(page), { password, name: name || undefined });
    switch (outcome.kind) {
      case 'accepted':
        return done(page);
      case 'gone':
        return gone(page);
      case 'exists':
        return show(page, {}, 409);
      case 'invalid':
        return show(page, { name, errors: outcome.problems.map((problem: PasswordProblem) => words[problem]) }, 400);
      default:
        page.ctx.set('Retry-After', String(outcome.retryAfterSeconds));
        return show(page, { name, errors: [{ key: 'login.busy' }] }, 503);
    }
  };

  pages.post(path, async (page) => {
    page.ctx.set('Referrer-Policy', 'no-referrer');
    await (page.form.join === undefined ? signUp(page) : join(page));
  });
};
