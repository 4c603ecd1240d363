import { ownPath, type PageContext, type PageRoutes } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { locales } from '../../platform/views/index.ts';
import { errors } from '../errors.ts';
import { type Registration, showSignup, submitSignup } from '../signup/page.ts';

export interface Door {
  name: 'account' | 'signup' | 'device' | 'admin' | 'docs' | 'metadata';
  href: string;
}

export interface HomeDeps {
  registration: Registration;
  isSignupOpen: boolean;
  needsApproval: boolean;
  /** What is behind the front door, besides sign-up; asked per request, since some doors are for some addresses only. */
  doors(page: PageContext): readonly Door[];
  issuer: string;
  clock: Clock;
}

/** Front door, sign-up outside of a sign-in, and the language chosen at the foot of every page. */
export const mountHome = (
  pages: PageRoutes,
  { registration, isSignupOpen, needsApproval, doors, issuer, clock }: HomeDeps,
): void => {
  const host = new URL(issuer).host;

  pages.get('/', async (page) => {
    const signup: Door[] = isSignupOpen ? [{ name: 'signup', href: '/signup' }] : [];
    // The front door is the deployment's.
    page.wear(undefined);
    page.render('home', { host, doors: [...signup, ...doors(page)], path: '/' });
  });

  const signupPlace = async (page: PageContext) => ({
    action: '/signup',
    loginUrl: undefined,
    needsApproval,
    terms: await registration.termsFor(page.locale),
    clock,
    show: (template: string, values: Record<string, unknown>, status?: number) => page.render(template, values, status),
  });
  const mayCreate = (): void => {
    if (!isSignupOpen) throw errors.registration_closed();
  };
  pages.get('/signup', async (page) => {
    mayCreate();
    showSignup(await signupPlace(page));
  });
  pages.post('/signup', async (page) => {
    mayCreate();
    const address = await submitSignup(page, await signupPlace(page), registration);
    // The same next page for a new and for a taken address (CONTRACT.md, `/register`).
    if (address !== undefined) page.redirect('/verify');
  });

  pages.get('/language', async (page) => {
    const wanted = locales.find((locale) => locale === page.query.to);
    if (wanted !== undefined) page.chooseLocale(wanted);
    page.redirect(ownPath(page.query.back) ?? '/');
  });
};
