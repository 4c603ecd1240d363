import { type BackchannelAuthenticationRequest, errors as coreErrors, type Grant, type Provider } from 'oidc-provider';
import { answeredAcr, isTwofold, leastLevel, levelOf } from '../../platform/assurance/index.ts';
import type { ArtifactStore } from '../adapters/index.ts';
import { currentUnit } from '../adapters/index.ts';
import { coreScopes } from '../claims/scopes.ts';
import { errors } from '../errors.ts';
import type { AccountSource, FactorDemand, ResourceSource } from '../ports.ts';
import { acrWish } from '../provider/acr.ts';
import { clientViewOf } from '../provider/client-view.ts';
import type { ApprovalDetails, ApprovalPages, BrowserSession, ConsentRequest, WantedSignIn } from '../surface.ts';
import type { Approvals } from './service.ts';

interface AnswerDeps {
  provider(): Provider;
  store: Pick<ArtifactStore, 'inUnit'>;
  approvals: Approvals;
  resources: Pick<ResourceSource, 'find'>;
  accounts: Pick<AccountSource, 'find'>;
  factors: FactorDemand;
}

/** For PROFILE=conformance, where nobody signs in. */
interface Unasked {
  answerUnasked: ApprovalPages['answer'];
}

type Request = BackchannelAuthenticationRequest;

const words = (scope: unknown): string[] =>
  String(scope ?? '')
    .split(' ')
    .filter(Boolean);

const claimsOf = ({ claims }: Request): string[] => {
  const { id_token, userinfo } = (claims ?? {}) as { id_token?: object; userinfo?: object };
  return [...new Set([...Object.keys(id_token ?? {}), ...Object.keys(userinfo ?? {})])];
};

/** The person's side of OpenID CIBA Core 1.0: what is asked, and the answer, which spends the request once. */
export const createApprovalAnswers = ({
  provider,
  store,
  approvals,
  resources,
  accounts,
  factors,
}: AnswerDeps): ApprovalPages & Unasked => {
  const requestOf = async (authReqId: string): Promise<Request | undefined> => {
    const request = await provider().BackchannelAuthenticationRequest.find(authReqId);
    return request?.isValid && request.grantId === undefined && request.error === undefined ? request : undefined;
  };

  const consentOf = async (request: Request): Promise<ConsentRequest> => {
    const { resource = [] } = request as { resource?: string | string[] };
    const records = await Promise.all([resource].flat().map((identifier) => resources.find(identifier)));
    const asked = words(request.scope);
    const shown = records.flatMap((record) =>
      record
        ? [{ identifier: record.identifier, name: record.name, scopes: record.scopes.filter(({ name }) => asked.includes(name)) }]
        : [],
    );
    const scopes = asked.filter((scope) => coreScopes.includes(scope));
    return { scopes, claims: claimsOf(request), resources: shown, authorizationDetails: [] };
  };

  const grantFor = async (request: Request, clientId: string, accountId: string): Promise<string> => {
    const grant: Grant = new (provider().Grant)({ accountId, clientId });
    const { scopes, claims, resources: asked } = await consentOf(request);
    grant.addOIDCScope(scopes.join(' '));
    if (claims.length > 0) grant.addOIDCClaims([...claims]);
    for (const { identifier, scopes: names } of asked) {
      grant.addResourceScope(identifier, names.map(({ name }) => name).join(' '));
    }
    return grant.save();
  };

  const settle = async (request: Request, isAllowed: boolean, { accountId, acr, amr, authenticatedAt }: BrowserSession) => {
    if (!isAllowed) return provider().backchannelResult(request, new coreErrors.AccessDenied('End-User refused'));
    const grantId = await grantFor(request, String(request.clientId), accountId);
    const authTime = Math.floor(authenticatedAt.getTime() / 1000);
    const told = answeredAcr(acr, acrWish(request.params ?? {}).values);
    await provider().backchannelResult(request, grantId, { acr: told, amr: amr && [...amr], authTime });
  };

  /** @throws approval_not_found */
  const openOf = async ({ accountId }: BrowserSession, id: string): Promise<{ request: Request; clientId: string }> => {
    const row = (await approvals.waiting(accountId)).find((waiting) => waiting.id === id);
    const request = row && (await requestOf(row.authReqId));
    if (!request || (await accounts.find(accountId))?.status !== 'active') throw errors.approval_not_found();
    return { request, clientId: row.clientId };
  };

  /** As at any sign-in to that application: its wish, the rules for it, the terms (MF-04). */
  const lackingFor = async (
    { accountId, acr, amr }: BrowserSession,
    { request, clientId }: { request: Request; clientId: string },
  ): Promise<WantedSignIn | undefined> => {
    const { values } = acrWish(request.params ?? {});
    const least = leastLevel(values);
    const isWeak = least > 0 && levelOf(acr) < least;
    const isSingle = !isTwofold(amr) && levelOf(acr) < 2;
    const isShort = isWeak || (isSingle && (await factors.isRequired(accountId, [clientId])));
    if (!isShort && !(await factors.areTermsDue(accountId))) return undefined;
    return { onBehalfOf: clientId, acrValues: isWeak ? values : undefined };
  };

  const spend = async (session: BrowserSession, id: string, isAllowed: boolean, request: Request): Promise<void> => {
    await settle(request, isAllowed, session);
    // One conditional update decides; whoever comes second takes everything above back with it.
    currentUnit()?.enlist(async (trx) => {
      if (!(await approvals.decideIn(trx, session.accountId, id, isAllowed ? 'approved' : 'denied'))) {
        throw errors.approval_not_found();
      }
    });
  };

  return {
    waiting: async (accountId): Promise<ApprovalDetails[]> => {
      const rows = await approvals.waiting(accountId);
      const found = await Promise.all(
        rows.map(async (row) => {
          const client = await provider().Client.find(row.clientId);
          const request = await requestOf(row.authReqId);
          if (!client || !request) return undefined;
          const { id, bindingMessage, expiresAt } = row;
          return { id, client: clientViewOf(client), bindingMessage, expiresAt, consent: await consentOf(request) };
        }),
      );
      return found.filter((details) => details !== undefined);
    },

    lacking: async (session, id) => lackingFor(session, await openOf(session, id)),

    answer: (session, id, isAllowed) =>
      store.inUnit(async () => {
        const asked = await openOf(session, id);
        if (isAllowed && (await lackingFor(session, asked))) throw errors.approval_not_proven();
        await spend(session, id, isAllowed, asked.request);
      }),

    answerUnasked: (session, id, isAllowed) =>
      store.inUnit(async () => spend(session, id, isAllowed, (await openOf(session, id)).request)),
  };
};
