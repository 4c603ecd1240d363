import { type BackchannelAuthenticationRequest, errors as coreErrors, type Grant, type Provider } from 'oidc-provider';
import type { ArtifactStore } from '../adapters/index.ts';
import { currentUnit } from '../adapters/index.ts';
import { coreScopes } from '../claims/scopes.ts';
import { errors } from '../errors.ts';
import type { ResourceSource } from '../ports.ts';
import { clientViewOf } from '../provider/client-view.ts';
import type { ApprovalDetails, ApprovalPages, BrowserSession, ConsentRequest } from '../surface.ts';
import type { Approvals } from './service.ts';

interface AnswerDeps {
  provider(): Provider;
  store: Pick<ArtifactStore, 'inUnit'>;
  approvals: Approvals;
  resources: Pick<ResourceSource, 'find'>;
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
export const createApprovalAnswers = ({ provider, store, approvals, resources }: AnswerDeps): ApprovalPages => {
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
    await provider().backchannelResult(request, grantId, { acr, amr: amr && [...amr], authTime });
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

    answer: (session, id, isAllowed) =>
      store.inUnit(async () => {
        const row = (await approvals.waiting(session.accountId)).find((waiting) => waiting.id === id);
        const request = row && (await requestOf(row.authReqId));
        if (!request) throw errors.approval_not_found();
        await settle(request, isAllowed, session);
        // One conditional update decides; whoever comes second takes everything above back with it.
        currentUnit()?.enlist(async (trx) => {
          if (!(await approvals.decideIn(trx, session.accountId, id, isAllowed ? 'approved' : 'denied'))) {
            throw errors.approval_not_found();
          }
        });
      }),
  };
};
