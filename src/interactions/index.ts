/**
 * Owns: the hosted pages (FEATURES A12, P8): sign-in, sign-up, consent, account chooser, device code, logout, errors, front door.
 * Answers to: OpenID Connect Core 1.0 §3.1.2.1-4, RFC 8628 §3.3, RP-Initiated Logout 1.0 §2, WCAG 2.2 AA.
 * The dispatcher reads the stored sign-in and picks the next step; steps return to it, never to each other.
 */
import type { Terms, Upstream, Webauthn } from '../authn/index.ts';
import type { ApprovalPages, BrowserSessions, Interactions, ProtocolPages } from '../oidc/index.ts';
import type { PageContext, PageOf, PageRoutes } from '../platform/http/index.ts';
import type { Clock } from '../platform/ports.ts';
import type { Views } from '../platform/views/index.ts';
import { mountApprovals } from './approvals/page.ts';
import type { Accounts } from './consent/page.ts';
import { createDevicePages } from './device/page.ts';
import { mountDispatcher } from './dispatcher.ts';
import type { EnrolDeps } from './enrol/page.ts';
import { createErrorPage } from './error/page.ts';
import { type ForgotDeps, mountForgot } from './forgot/page.ts';
import { type Door, mountHome } from './home/page.ts';
import type { Houses } from './house.ts';
import { type InvitationPageDeps, mountInvitation } from './invitation/page.ts';
import type { LoginDeps, PasswordSignIn } from './login/page.ts';
import { createLogoutPages } from './logout/page.ts';
import type { FactorFlows, FactorStepDeps } from './mfa/page.ts';
import { mountReset, type ResetDeps } from './reset/page.ts';
import type { Registration } from './signup/page.ts';
import { mountVerify, type VerifyDeps } from './verify/page.ts';

export { type JsonSignInDeps, mountJsonSignIn } from './api/mount.ts';
export { passwordProblems } from './api/problems.ts';
export { viewOfClient } from './application.ts';
export { type Accounts, viewOfPerson } from './consent/page.ts';
export { wordsOfConsent } from './consent/words.ts';
export type { Door } from './home/page.ts';
export { viewOfHouse } from './house.ts';
export type { PasswordSignIn } from './login/page.ts';
export { createLogoAddress, type LogoDeps, mountLogos } from './logo/page.ts';
export { mountOutbox } from './outbox/page.ts';
export { flowOf, keepFlow, missingCode, spaced, tooMany, wrongCode } from './recovery/page.ts';
export { passwordErrors, type Registration, type RegistrationOutcome, type RegistrationProblem } from './signup/page.ts';
export type { FormError } from './steps.ts';
export { sendAway } from './upstream/browser.ts';
export { linkPath } from './upstream/page.ts';
export { mountUpstream } from './upstream/routes.ts';
export { problemOf } from './upstream/view.ts';

/** Pages of the provider's own endpoints; the provider is built with them, so they come first. */
export const createProtocolPages = ({ pageOf, accounts }: { pageOf: PageOf; accounts: Accounts }): ProtocolPages => ({
  ...createErrorPage(pageOf),
  ...createDevicePages(pageOf),
  ...createLogoutPages({ pageOf, accounts }),
});

/** What the pages ask of `authn`. */
type SignInRoom = PasswordSignIn &
  Registration &
  Omit<VerifyDeps, 'clock'> & {
    verification: LoginDeps['verification'];
    invitations: InvitationPageDeps['invitations'];
    recovery: ForgotDeps['recovery'] & ResetDeps['recovery'];
    knownDevices: LoginDeps['knownDevices'];
    signInCode: LoginDeps['signInCode'];
    signInLink: LoginDeps['signInLink'];
    flows: FactorFlows & Pick<EnrolDeps, 'prove'>;
    totp: EnrolDeps['totp'];
    webauthn: Webauthn;
    upstream: Upstream;
    terms: Terms;
    provePasskey: FactorStepDeps['provePasskey'];
    trustedDevices: FactorStepDeps['trustedDevices'];
  };

export interface InteractionsDeps {
  interactions: Interactions;
  houses: Houses;
  authn: SignInRoom;
  approvals: ApprovalPages;
  browser: BrowserSessions;
  accounts: Accounts;
  views: Views;
  clock: Clock;
  site: {
    issuer: string;
    registration: 'open' | 'invite' | 'closed';
    /** Sign-ups wait for an administrator. */
    needsApproval: boolean;
    doors(page: PageContext): readonly Door[];
  };
}

export const createInteractions = ({
  interactions,
  houses,
  approvals,
  browser,
  authn,
  accounts,
  views,
  clock,
  site,
}: InteractionsDeps) => {
  const isSignupOpen = site.registration === 'open';
  return {
    mount: (pages: PageRoutes): void => {
      mountApprovals(pages, { approvals, browser, accounts, views });
      mountHome(pages, {
        registration: authn,
        isSignupOpen,
        needsApproval: site.needsApproval,
        doors: site.doors,
        issuer: site.issuer,
        clock,
      });
      mountForgot(pages, { recovery: authn.recovery, clock });
      mountReset(pages, { recovery: authn.recovery, clock });
      mountVerify(pages, { ...authn, clock });
      mountInvitation(pages, { invitations: authn.invitations, browser, houses });
      mountDispatcher(pages, {
        interactions,
        houses,
        login: { ...authn, authn, clock, isSignupOpen, needsApproval: site.needsApproval },
        registration: authn,
        consent: { accounts, views },
        upstream: authn.upstream,
        terms: authn.terms,
        factors: {
          factor: { flows: authn.flows, provePasskey: authn.provePasskey, trustedDevices: authn.trustedDevices, accounts, clock },
          enrolment: { totp: authn.totp, webauthn: authn.webauthn, prove: authn.flows.prove, clock },
          passkeys: authn.webauthn,
        },
      });
    },
  };
};
