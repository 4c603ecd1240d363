/**
 * Owns: finding out who somebody is (FEATURES A): passwords, second factors, their limits, who needs them. Services know no HTTP.
 * Answers to: NIST SP 800-63B-4 §3.1.1.2 and §3.2.2, OWASP ASVS 6, RFC 6238, RFC 8176, RFC 9470.
 */
import { type Accounts, isEmailAddress } from '../identity/index.ts';
import type { Envelope } from '../platform/crypto/index.ts';
import type { Database } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditBuffer, Clock, Guard } from '../platform/ports.ts';
import type { SignInRisk } from '../risk/index.ts';
import { mountCodeEnrolmentRoutes } from './codes/routes.ts';
import { createFactorRoom, type FactorSite } from './factors/create.ts';
import { createOwnerCheck, mountFactorRoutes } from './factors/routes.ts';
import { createFlowRepository } from './flows/repository.ts';
import { createSignInGuard } from './limits/guard.ts';
import { createWork } from './limits/proof-of-work.ts';
import { createNotices } from './notices/service.ts';
import { createPasswordChoice } from './password/choice.ts';
import { createHasher } from './password/hashing.ts';
import { createLimits } from './password/limits.ts';
import { createPool } from './password/pool.ts';
import { createFailureRepository } from './password/repository.ts';
import { createPasswordSignIn } from './password/service.ts';
import { mountFactorPolicyRoutes } from './policy/routes.ts';
import { createRecoveryRoom, type RecoverySite } from './recovery/create.ts';
import { createRegistrationRoom, type RegistrationSite } from './registration/create.ts';
import type { RegistrationProblem } from './registration/service.ts';
import { createSignInLink } from './sign-in-link/service.ts';
import { createPasskeySignIn } from './signin/passkey.ts';
import { createSignIn } from './signin/service.ts';
import { createUpstreamRoom, type UpstreamSite } from './upstream/create.ts';

export type { KnownDevices } from './known-devices/service.ts';
export type { WorkTask } from './limits/proof-of-work.ts';
export type { SignInCode } from './sign-in-code/service.ts';

import { mountWebauthnRoutes } from './webauthn/routes.ts';

export { type SentMethod, sentMethods } from './codes/addresses.ts';
export type { CodeEnrolment } from './codes/enrolment.ts';
export type { SendOutcome } from './codes/service.ts';
export type { ChangeEnd, ChangeOutcome, EmailChange } from './email-change/service.ts';
export type { FactorMethod, Proof, ProofOutcome } from './factors/proof.ts';
export { sealedFactors } from './factors/sealed.ts';
export type { DeviceView } from './factors/service.ts';
export type { AddOutcome, ConfirmOutcome, Identifiers, ProvenType } from './identifiers/service.ts';
export type { IdentifierView } from './identifiers/shape.ts';
export type { Acceptance } from './invitations/acceptance.ts';
export { type PasswordProblem, passwordLength } from './password/choice.ts';
export type { FactorPolicyRow } from './policy/repository.ts';
export type { Recovery, ResetOutcome } from './recovery/service.ts';
export type { Asked, Asker, AskOutcome } from './recovery/unit.ts';
export type { RegistrationProblem } from './registration/service.ts';
export type { LinkOutcome, SignInLink } from './sign-in-link/service.ts';
export type { AnswerOutcome, Authenticated, SignInOutcome } from './signin/outcome.ts';
export type { FirstFactor, SignInPlace } from './signin/place.ts';
export type { OpenFlow } from './signin/service.ts';
export type { TermsRow } from './terms/repository.ts';
export type { Terms, TermsView } from './terms/service.ts';
export type { Presented } from './tickets/service.ts';
export type { Enrolment, Notice } from './totp/service.ts';
export { trustedDeviceSeconds } from './trusted/service.ts';
export type { Upstream } from './upstream/create.ts';
export type { UpstreamFailure } from './upstream/dialects/dialect.ts';
export type { Errand } from './upstream/flows/service.ts';
export type { Arrival, ConnectReason, UpstreamOutcome } from './upstream/identities/service.ts';
export { asksAgain } from './upstream/providers/provider.ts';
export { sealedProviders } from './upstream/providers/service.ts';
export type { Verification, VerifyOutcome } from './verification/service.ts';
export type { Webauthn } from './webauthn/service.ts';

export interface AuthnDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  audit: AuditBuffer;
  envelope: Envelope;
  site: FactorSite & RecoverySite & RegistrationSite & { isLinkOffered: boolean; upstream: UpstreamSite };
  protection: {
    /** Failed logins before a stop (RATE_LIMITS, `login`). */
    loginLimit: number;
    /** log2 of bcrypt's rounds; 12 where absent. */
    passwordCost?: number | undefined;
    attempted(method: string, outcome: string): void;
    /** How risky a proven sign-in is (S1). */
    assess: SignInRisk['assess'];
  };
}

export const createAuthn = ({ database, accounts, clock, audit, envelope, site, protection }: AuthnDeps) => {
  const pool = createPool();
  const hasher = createHasher({ pool, cost: protection.passwordCost });
  const choice = createPasswordChoice({ hasher, accounts, siteWords: ['Castellan', new URL(site.issuer).hostname] });
  const failures = createFailureRepository(database.knex);
  const limits = createLimits({ failures, envelope, clock, limit: protection.loginLimit });
  const { attempted } = protection;
  const { standing, reset, factors, totp, policy, webauthn, trustedDevices, guard, sentCodes, codeEnrolment, addresses } =
    createFactorRoom({
      database,
      accounts,
      clock,
      audit,
      envelope,
      attempted,
      site,
    });
  const isActive = async (accountId: string): Promise<boolean> => (await accounts.find(accountId))?.status === 'active';
  const signIn = createSignIn({
    flows: createFlowRepository(database.knex),
    factors,
    codes: sentCodes,
    sendingHint: addresses.hintFor,
    policy,
    account: {
      ...standing,
      isActive,
      // Who has no address at all is known by another way in.
      isVerificationDue: async (id) =>
        site.registration.needsVerifiedEmail && (await accounts.find(id))?.claims.email_verified === false,
    },
    recognizes: trustedDevices.recognizes,
    surroundings: { clock, audit, assess: protection.assess },
  });
  const room = createRecoveryRoom({
    database,
    accounts,
    clock,
    envelope,
    passwords: { hasher, choice, forgetFailures: limits.forget },
    site,
  });
  const { throttle, passwordChanged, services } = room;
  const requireOwner = createOwnerCheck(factors, clock);
  const passwords = createPasswordSignIn({
    accounts,
    hasher,
    choice,
    passwordChanged,
    limits,
    guard: createSignInGuard({
      limits,
      failures,
      envelope,
      clock,
      devices: services.knownDevices,
      proofs: {
        work: createWork({ envelope, failures, clock }),
        mailed: services.signInCode.accept,
        locked: services.unlock.tell,
      },
    }),
    clock,
    audit,
    attempted: (outcome) => attempted('password', outcome),
    conclude: signIn.conclude,
  });
  const upstream = createUpstreamRoom({
    database,
    accounts,
    clock,
    envelope,
    audit,
    site: { ...site, attempted },
    signIn: { conclude: signIn.conclude, isActive },
  });
  const registration = createRegistrationRoom({
    database,
    accounts,
    clock,
    passwords: { hasher, choice },
    mails: { throttle, verification: services.verification },
    site,
  });
  return {
    ...passwords,
    /** Other providers' sign-ins (A5). */
    upstream,
    register: registration.register,
    terms: registration.terms,
    termsFor: registration.terms.viewFor,
    /** People who are asked to come (RS-11). */
    invitations: registration.acceptance,
    invite: registration.invite,
    /** Sign-ins that wait for a second factor. */
    flows: signIn,
    /** A mailed link or code instead of a password. */
    signInLink: createSignInLink({
      accounts,
      tickets: room.tickets,
      throttle,
      conclude: signIn.conclude,
      surroundings: { clock, audit, attempted: (outcome) => attempted('link', outcome) },
      site: { issuer: site.issuer, isOffered: site.isLinkOffered, inRecovery: room.inRecovery },
    }),
    signInByPasskey: createPasskeySignIn({
      webauthn,
      conclude: signIn.conclude,
      isActive,
      audit,
      clock,
      attempted: (outcome) => attempted('passkey', outcome),
    }),
    /** A passkey as second factor; tries count with those of all factors. */
    provePasskey: (accountId: string, binding: string, response: unknown) =>
      guard(accountId, 'webauthn', () => webauthn.check(accountId, binding, response)),
    factors,
    totp,
    webauthn,
    codeEnrolment,
    /** Enough of the confirmed mail address for its owner to know it. */
    addressHint: (accountId: string) => addresses.hintFor(accountId, 'email'),
    trustedDevices,
    /** What the outbox owes people about their factors. */
    notices: createNotices({ database, accounts, mail: site.mail }),
    /** Who needs a second factor. */
    factorPolicy: policy,
    mount: (admin: AdminRoutes, { authzGuard }: { authzGuard: Guard }): void => {
      registration.mount(admin, authzGuard);
      mountFactorRoutes(admin, { factors, totp, confirmPassword: passwords.confirm, clock, requireOwner });
      mountWebauthnRoutes(admin, { webauthn, requireOwner });
      mountCodeEnrolmentRoutes(admin, { codes: codeEnrolment, clock, requireOwner });
      mountFactorPolicyRoutes(admin, policy, reset);
      upstream.mount(admin, requireOwner);
    },
    /** Mailed proofs and what they are for. */
    ...services,
    /** MF-05. @throws insufficient_user_authentication */
    requireOwner,
    hashPassword: hasher.hash,
    /** What is wrong with an address and a password that somebody wants, by the rules of sign-up. @throws HashingBusy */
    accountProblems: async (
      email: string,
      password: string,
      { accountId, ...claims }: Record<string, unknown> & { accountId?: string } = {},
    ): Promise<RegistrationProblem[]> => [
      ...(isEmailAddress(email) ? [] : (['email_invalid'] as const)),
      ...(await choice.problems(password, { accountId, claims: { ...claims, email } })),
    ],
    /** The stored form of a password hash that an import brings; `undefined` for a format that is not known. */
    foreignHash: hasher.foreign,
    close: pool.close,
  };
};

export type Authn = ReturnType<typeof createAuthn>;
