import type { Client } from 'oidc-provider';
import type { DirectRoute } from '../../platform/http/index.ts';
import type { AuditBuffer } from '../../platform/ports.ts';
import type { Facts } from '../adapters/index.ts';
import { introspectionEvent } from '../tokens/answers.ts';
import type { IntrospectionPolicy } from '../tokens/introspection-policy.ts';
import type { LivingTokens, TokenPayload } from './living.ts';
import { type ClientProof, formOf, isOpaque } from './presented.ts';

export interface DirectIntrospectionDeps {
  issuer: string;
  proveClient: ClientProof;
  findClient(clientId: string): Promise<Client | undefined>;
  living: LivingTokens;
  policy: IntrospectionPolicy;
  /** What is told beside what was stored, as it is now. */
  tellCurrentClaims(token: TokenPayload): Promise<void>;
  audit: AuditBuffer;
}

const parameters = new Set(['token', 'token_type_hint']);

/** RFC 9701: signed for who asks by the media type or weighs types, encrypted for who registered for it. */
const isAnsweredInTheClear = (client: Client, accept = '*/*'): boolean =>
  client.introspectionEncryptedResponseAlg === undefined &&
  /\*\/\*|application\/json/.test(accept) &&
  !/introspection|q=/.test(accept);

/** In the order and with the members of the core's own answer (RFC 7662 §2.2). */
const answerOf = (token: TokenPayload, accountId: string | null, issuer: string): Record<string, unknown> => ({
  active: true,
  ...(accountId === null ? {} : { sub: accountId }),
  ...token.extra,
  client_id: token.clientId,
  exp: token.exp,
  iat: token.iat,
  sid: token.sid,
  iss: issuer,
  aud: token.aud,
  scope: token.scope || undefined,
  token_type: 'Bearer',
});

const isPlain = ({ payload }: Facts['row']): boolean =>
  payload.jkt === undefined && payload['x5t#S256'] === undefined && payload.rar === undefined;

/** RFC 7662 for a living opaque access token, asked for by a client with `client_secret_basic`. */
export const createDirectIntrospection = (deps: DirectIntrospectionDeps): DirectRoute['answer'] => {
  const { issuer, proveClient, findClient, living, policy, tellCurrentClaims, audit } = deps;

  /** OpenID Connect Core §8.1: a pairwise subject is the core's to make. */
  const isPairwise = async (caller: Client, { clientId, accountId }: Facts['row']): Promise<boolean> => {
    if (accountId === null) return false;
    const owner = clientId === caller.clientId ? caller : await findClient(clientId ?? '');
    return owner?.subjectType !== 'public';
  };

  const mayKnow = (caller: Client, { kind }: Facts['row'], { clientId, aud }: TokenPayload): Promise<boolean> =>
    policy(caller, { kind, clientId, audience: aud });

  return async (request) => {
    const { token } = formOf(request.body, parameters) ?? {};
    if (!isOpaque(token)) return undefined;
    const client = await proveClient(request);
    if (!client || !isAnsweredInTheClear(client, request.headers.accept)) return undefined;

    const found = await living.find(['AccessToken', 'ClientCredentials'], token);
    if (!found || !isPlain(found.row) || (await isPairwise(client, found.row))) return undefined;
    const { row, payload } = found;
    if (!(await mayKnow(client, row, payload))) return undefined;

    await tellCurrentClaims(payload);
    audit.note(introspectionEvent(client.clientId, true));
    return { body: answerOf(payload, row.accountId, issuer), clientId: client.clientId };
  };
};
