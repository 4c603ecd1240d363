import type { Static } from '@sinclair/typebox';
import type { AnswerOutcome, Asked, SignInOutcome, Terms } from '../../authn/index.ts';
import { claimsOfProfile, viewOfClaims } from '../../identity/index.ts';
import type { Ending, Endings, FirstParty, LoginOutcome } from '../../oidc/index.ts';
import { Refusal, errors as shared } from '../../platform/errors/index.ts';
import type { Answer, ApiCsrf, RequestInfo } from '../../platform/http/index.ts';
import type { Clock, Principal } from '../../platform/ports.ts';
import type { Accounts } from '../consent/page.ts';
import { errors } from '../errors.ts';
import type { PasswordSignIn } from '../login/page.ts';
import type { Registration, RegistrationProblem } from '../signup/page.ts';
import { type DeviceDeps, placeOf } from './devices.ts';
import { createModes, mfaTokenOf, type Way } from './modes.ts';
import { busy, challenge, enrolmentNeeded, passwordProblems, retryAfter } from './problems.ts';
import type { LoginAnswer, LoginBody, PasswordBody, RegisterBody, RegisterView, TokenAnswer, ValidateBody } from './schema.ts';
import { acceptedTerms, createTermsGate } from './terms.ts';

type Endpoint = Pick<Endings, 'endSessions' | 'endAccount' | 'endAccountIn'>;
type Alongside = (trx: Parameters<Endings['endAccountIn']>[0]) => Promise<void>;

export type PasswordChangeOutcome =
  | { kind: 'changed' | 'refused' }
  | { kind: 'locked'; until: Date }
  | { kind: 'busy'; retryAfterSeconds: number }
  | { kind: 'invalid'; problems: readonly RegistrationProblem[] };

/** What `authn` does for the JSON sign-in; the hosted pages ask the same service (DESIGN.md, decision 4). */
export interface ApiAuthn extends PasswordSignIn, Registration {
  /** @param alongside runs in the transaction that changes the password */
  changePassword(wish: {
    accountId: string;
    currentPassword: string;
    newPassword: string;
    request: RequestInfo;
    alongside: Alongside;
  }): Promise<PasswordChangeOutcome>;
  /** Sign-ins that wait for a second factor. */
  terms: Pick<Terms, 'current' | 'isDue' | 'accept'>;
  /** The mail for an address that has to be confirmed first. */
  verification: { askOf(accountId: string, asker: { ip: string; locale?: string | undefined }): Promise<Asked> };
  flows: { answerCode(token: string, channel: 'api', code: string): Promise<AnswerOutcome> };
  knownDevices: DeviceDeps['knownDevices'];
  trustedDevices: DeviceDeps['trustedDevices'];
}

export interface AuthApiDeps {
  authn: ApiAuthn;
  accounts: Accounts;
  firstParty: FirstParty;
  endings: Endpoint;
  clock: Clock;
  site: { clientId: string; isRegistrationOpen: boolean; csrf: ApiCsrf; authenticate(accessToken: string): Promise<Principal> };
}

export type AuthApi = ReturnType<typeof createAuthApi>;

/** Who logs out: by access token, by refresh token, or both. */
interface Leaver {
  accountId: string;
  sessionUids: readonly string[];
}

/** Whose token it is, unless it has run out; that nothing can be looked up is no reason to call somebody logged out. */
export const ifGood = async (authenticated: Promise<Principal | undefined>): Promise<Principal | undefined> => {
  try {
    return await authenticated;
  } catch (error) {
    if (error instanceof Refusal && error.status < 500) return undefined;
    throw error;
  }
};

export const createAuthApi = ({ authn, accounts, firstParty, endings, clock, site }: AuthApiDeps) => {
  const locked = ({ until }: { until: Date }) =>
    shared.too_many_requests(retryAfter((until.getTime() - clock.now().getTime()) / 1000));

  const userOf = async (id: string) => viewOfClaims(id, (await accounts.find(id))?.claims ?? {});

  const requireTerms = createTermsGate(authn.terms);
  const modes = createModes({ csrf: site.csrf, devices: authn, userOf });

  /** Tokens for whoever has proved enough; also the last step after a second factor. @throws login_refused */
  const finish = async (outcome: LoginOutcome, request: RequestInfo, way: Way): Promise<TokenAnswer | Answer> => {
    await requireTerms(outcome.accountId, request);
    const kept = await modes.keptAfter(way, outcome.accountId, request);
    const tokens = await firstParty.issue(outcome, request);
    if (!tokens) throw errors.login_refused(challenge);
    return modes.deliver(tokens, way.mode, { before: way.held, kept });
  };

  const answerTo = async (outcome: SignInOutcome, request: RequestInfo, way: Way): Promise<LoginAnswer | Answer> => {
    switch (outcome.kind) {
      case 'authenticated':
        return finish(outcome, request, way);
      case 'needs_factor':
        return { mfaRequired: true, mfaToken: mfaTokenOf(outcome.flow, way.mode), methods: [...outcome.methods] };
      case 'needs_enrolment':
        throw enrolmentNeeded();
      case 'needs_verification': {
        const { flow, shown, expiresAt } = await authn.verification.askOf(outcome.accountId, {
          ip: request.ip,
          locale: request.header('accept-language')?.slice(0, 200),
        });
        const verification = { flow, confirmationCode: shown, expiresAt: expiresAt.toISOString() };
        throw errors.email_unverified({ extensions: { verification } });
      }
      case 'locked':
        throw locked(outcome);
      case 'needs_work':
        throw errors.proof_of_work_required({
          ...retryAfter(1),
          extensions: { proofOfWork: { ...outcome.task, algorithm: 'sha-256' } },
        });
      case 'busy':
        throw busy(outcome);
      default:
        // PW-05: one answer for unknown, wrong, locked and disabled.
        throw errors.login_refused(challenge);
    }
  };

  const answered = async (outcome: AnswerOutcome, request: RequestInfo, way: Way): Promise<TokenAnswer | Answer> => {
    if (outcome.kind === 'authenticated') return finish(outcome, request, way);
    if (outcome.kind === 'locked') throw locked(outcome);
    if (outcome.kind === 'needs_enrolment') throw enrolmentNeeded();
    throw outcome.kind === 'expired' ? errors.factor_sign_in_over(challenge) : errors.factor_code_refused(challenge);
  };

  const placeIn = ({ held }: Way, request: RequestInfo) => placeOf(request, held, site.clientId);

  const leaverOf = async (principal: Principal | undefined, refreshToken: string | undefined): Promise<Leaver> => {
    const session = refreshToken === undefined ? undefined : await firstParty.sessionOf(refreshToken);
    const accountId = principal?.id ?? session?.accountId;
    // RFC 7009 §2.2: a token that means nothing any more has nothing left to end.
    if (accountId === undefined) return { accountId: '', sessionUids: [] };
    const isOwn = session?.accountId === accountId;
    const uid = isOwn ? session?.sessionUid : refreshToken === undefined ? principal?.sessionId : undefined;
    return { accountId, sessionUids: uid === undefined ? [] : [uid] };
  };

  /** SE-04: the cookie is sent by the browser itself, so the token of its session has to come with it. */
  const cookieSession = async (request: RequestInfo): Promise<{ token: string; sessionUid: string } | undefined> => {
    const token = modes.refreshTokenOf(request);
    const session = token === undefined ? undefined : await firstParty.sessionOf(token);
    if (token === undefined || !session) return undefined;
    modes.check(request, session.sessionUid);
    return { token, sessionUid: session.sessionUid };
  };

  const cookieCaller = async (request: RequestInfo): Promise<Principal | undefined> => {
    const token = modes.accessTokenOf(request);
    const principal = token === undefined ? undefined : await ifGood(site.authenticate(token));
    if (principal) modes.check(request, principal.sessionId);
    return principal;
  };

  const logout = async (
    principal: Principal | undefined,
    refreshToken: string | undefined,
    everywhere: boolean,
  ): Promise<void> => {
    const { accountId, sessionUids } = await leaverOf(principal, refreshToken);
    if (accountId === '') return;
    const ending: Ending = { cause: 'logout', actor: { type: principal?.type ?? 'user', id: accountId } };
    if (everywhere) await endings.endAccount(accountId, ending);
    else await endings.endSessions(sessionUids, ending);
  };

  return {
    /** Whose tokens a sign-in gets. */
    clientId: site.clientId,
    modes,
    placeIn,
    /** CONTRACT.md: a taken address gets the same answer, with a random id, and its owner a mail. @throws registration_closed */
    register: async (wish: Static<typeof RegisterBody>, request: RequestInfo): Promise<Static<typeof RegisterView>> => {
      if (!site.isRegistrationOpen) throw errors.registration_closed();
      const claims = claimsOfProfile(wish.profile);
      const outcome = await authn.register({
        email: wish.email,
        password: wish.password,
        claims,
        request,
        acceptedTerms: acceptedTerms(request),
        locale: request.header('accept-language')?.slice(0, 200),
      });
      if (outcome.kind === 'busy') throw busy(outcome);
      if (outcome.kind === 'invalid') throw passwordProblems(outcome.problems);
      if (outcome.kind === 'limited') throw locked(outcome);
      const { accountId, email, flow, shown: confirmationCode, expiresAt } = outcome;
      const verification = { flow, confirmationCode, expiresAt: expiresAt.toISOString() };
      return { user: viewOfClaims(accountId, { ...claims, email, email_verified: false }), verification };
    },
    login: async (
      { email: login, password, ...wish }: Static<typeof LoginBody>,
      request: RequestInfo,
    ): Promise<LoginAnswer | Answer> => {
      const way = modes.chosen(wish, request);
      const attempt = { login, password, request, device: way.held.known, work: request.header('x-proof-of-work') };
      const place = placeIn(way, request);
      return answerTo(await authn.signIn({ ...attempt, clientId: site.clientId, place }), request, way);
    },
    /** A wrong code leaves the `mfaToken` good (CONTRACT.md). @throws code_refused, login_refused, too_many_requests */
    validate: async ({ code, ...wish }: Static<typeof ValidateBody>, request: RequestInfo): Promise<TokenAnswer | Answer> => {
      const { flow, way } = modes.readMfaToken(wish, request);
      return answered(await authn.flows.answerCode(flow, 'api', code), request, way);
    },
    /** Ends a sign-in by whatever factor answered it. @throws code_refused, login_refused, too_many_requests */
    answered,
    /** Goes on after a first factor. @throws login_refused, too_many_requests, unavailable */
    answerTo,
    /** By the token given, or by the cookie. @throws refresh_refused, csrf_refused, invalid_request */
    refresh: async (given: string | undefined, request: RequestInfo): Promise<TokenAnswer | Answer> => {
      const isByCookie = given === undefined && modes.refreshTokenOf(request) !== undefined;
      if (given === undefined && !isByCookie) {
        throw shared.invalid_request({ errors: [{ path: '/refreshToken', message: 'is required' }] });
      }
      const refreshToken = given ?? (await cookieSession(request))?.token;
      const tokens = refreshToken === undefined ? undefined : await firstParty.refresh(refreshToken, request);
      if (!tokens) throw errors.refresh_refused(challenge);
      return modes.deliver(tokens, isByCookie ? 'cookie' : 'bearer');
    },
    logout,
    /** SE-05: ends the session of whatever cookie is left. @throws csrf_refused */
    logoutByCookie: async (request: RequestInfo, everywhere: boolean): Promise<Answer> => {
      modes.requireOwn(request);
      const refreshToken = (await cookieSession(request))?.token;
      const principal = refreshToken === undefined ? await cookieCaller(request) : undefined;
      await logout(principal, refreshToken, everywhere);
      return modes.emptied();
    },
    /** Ends every other session with it (PW-08). @throws password_refused, too_many_requests, unavailable, invalid_request */
    changePassword: async (wish: Static<typeof PasswordBody>, principal: Principal, request: RequestInfo): Promise<void> => {
      const { id: accountId, sessionId: exceptSessionUid } = principal;
      const ending = { cause: 'password_changed', actor: { type: 'user', id: accountId }, exceptSessionUid } as const;
      const alongside: Alongside = (trx) => endings.endAccountIn(trx, accountId, ending);
      const outcome = await authn.changePassword({ ...wish, accountId, request, alongside });
      if (outcome.kind === 'locked') throw locked(outcome);
      if (outcome.kind === 'busy') throw busy(outcome);
      if (outcome.kind === 'invalid') throw passwordProblems(outcome.problems, '/newPassword');
      if (outcome.kind === 'refused') throw errors.password_refused(challenge);
    },
    userOf,
  };
};
