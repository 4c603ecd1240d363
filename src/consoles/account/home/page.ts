import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { AccountSession } from '../session/page.ts';

export interface AccountHomeDeps {
  session: Pick<AccountSession, 'person'>;
  /** How the person is called, and by what they sign in. */
  nameOf(accountId: string): Promise<{ name: string | undefined; login: string | undefined }>;
}

/** The parts of the account, in the order of the page; their words are `account_home.<name>`. */
const parts = [
  { name: 'identifiers', href: '/account/identifiers', icon: 'mail' },
  { name: 'password', href: '/account/password', icon: 'key' },
  { name: 'security', href: '/account/security', icon: 'key' },
  { name: 'sessions', href: '/account/sessions', icon: 'phone' },
  { name: 'applications', href: '/account/applications', icon: 'check' },
  { name: 'approvals', href: '/approvals', icon: 'check' },
] as const;

/** Where the account begins: what there is, and nothing else (FEATURES A13). */
export const mountAccountHome = (pages: PageRoutes, { session, nameOf }: AccountHomeDeps): void => {
  pages.get('/account', async (page: PageContext) => {
    const person = await session.person(page);
    if (person) page.render('account', { account: await nameOf(person.accountId), parts });
  });
};
