import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AuditBuffer, AuditEvent } from '../../platform/ports.ts';
import type { ArtifactStore } from '../adapters/index.ts';
import { overflowClaim, type ResourceClaims } from '../claims/entitlements.ts';
import type { IntrospectionPolicy } from './introspection-policy.ts';
import type { StructuredToken, StructuredTokens } from './structured.ts';

/** A token that counts, and whose account it is: its `sub` may be pairwise. */
interface Alive {
  token: StructuredToken;
  accountId: string | undefined;
}

type Middleware = Parameters<Provider['use']>[0];

export interface TokenAnswersDeps {
  paths: { introspection: string; revocation: string };
  structured: StructuredTokens;
  store: Pick<ArtifactStore, 'findStructured' | 'revokeStructured' | 'revokeGrant'>;
  rules: { policy: IntrospectionPolicy; resourceClaims: ResourceClaims };
  audit: AuditBuffer;
}

const jwtType = 'application/token-introspection+jwt';

const isUnsupported = (ctx: KoaContextWithOIDC): boolean =>
  ctx.status === 400 && (ctx.body as { error?: string } | undefined)?.error === 'unsupported_token_type';

/** RFC 7662 §2.2 over the claims as issued; what is bound says to what (RFC 9449 §6.2). */
const introspected = ({ claims, confirmation }: StructuredToken, current: Record<string, unknown>): Record<string, unknown> => ({
  active: true,
  ...claims,
  ...current,
  [overflowClaim]: undefined,
  token_type: confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
});

/** The core's own answer, in the clear or signed: it names the token only where it vouches for it. */
const isActive = (ctx: KoaContextWithOIDC): boolean => {
  const { body } = ctx as { body: unknown };
  if (typeof body === 'object' && body !== null) return (body as { active?: unknown }).active === true;
  const { AccessToken, ClientCredentials, RefreshToken } = ctx.oidc.entities;
  return (AccessToken ?? ClientCredentials ?? RefreshToken) !== undefined;
};

const revocationOf = ({ clientId, grantId, subject }: StructuredToken): AuditEvent => ({
  type: 'oidc.token.revoked',
  outcome: 'success',
  actor: { type: 'client', id: clientId },
  clientId,
  subjectId: grantId === undefined ? undefined : subject,
  details: { kind: 'AccessToken' },
});

export const introspectionEvent = (clientId: string | undefined, active: boolean): AuditEvent => ({
  type: 'oidc.token.introspected',
  outcome: 'success',
  actor: { type: 'client', id: clientId },
  clientId,
  details: { active },
});

/** RFC 9701: signed for those who registered for it and ask by the media type. */
const signed = async (ctx: KoaContextWithOIDC, client: Client, answer: Record<string, unknown>): Promise<void> => {
  const wantsJwt = client.introspectionSignedResponseAlg !== undefined && ctx.get('accept').includes(jwtType);
  ctx.status = 200;
  if (!wantsJwt) {
    ctx.body = answer;
    return;
  }
  const token = new ctx.oidc.provider.IdToken({}, { ctx });
  Object.assign(token, { extra: { token_introspection: answer, aud: answer.aud } });
  ctx.body = await token.issue({ use: 'introspection' } as unknown as Parameters<typeof token.issue>[0]);
  ctx.type = jwtType;
};

/**
 * Introspection and revocation of JWT access tokens (P3): the core authenticates the caller and then refuses, since it stores nothing
 * of them; here they are judged by grant, session, account and client like any other.
 */
export const tokenAnswers = ({ paths, structured, store, rules, audit }: TokenAnswersDeps): Middleware => {
  const alive = async (client: Client, value: unknown): Promise<Alive | undefined> => {
    const token = typeof value === 'string' ? await structured.verify(value) : undefined;
    const facts = token && (await store.findStructured(token));
    if (!token || !facts) return undefined;
    const { clientId, audience } = token;
    const isAllowed = await rules.policy(client, { kind: 'AccessToken', clientId, audience });
    return isAllowed ? { token, accountId: facts.row.accountId ?? undefined } : undefined;
  };

  const asked = (ctx: KoaContextWithOIDC, active: boolean): void =>
    audit.note(introspectionEvent(ctx.oidc.client?.clientId, active));

  const introspect = async (ctx: KoaContextWithOIDC, client: Client): Promise<void> => {
    const found = await alive(client, ctx.oidc.params?.token);
    asked(ctx, found !== undefined);
    if (!found) return await signed(ctx, client, { active: false });
    // What the person holds now, whole: the token has it as it was, and within bounds.
    const current = await rules.resourceClaims(found.token.audience, found.accountId);
    await signed(ctx, client, introspected(found.token, current ?? {}));
  };

  /** RFC 7009 §2.1: only what was issued to the caller; the grant goes with it, as for opaque tokens. */
  const revoke = async (ctx: KoaContextWithOIDC, client: Client): Promise<void> => {
    const token = (await alive(client, ctx.oidc.params?.token))?.token;
    if (token?.clientId === client.clientId) await store.revokeStructured(token, revocationOf(token));
  };

  const answer = async (ctx: KoaContextWithOIDC, isIntrospection: boolean): Promise<void> => {
    const { client } = ctx.oidc;
    if (client && isUnsupported(ctx)) {
      if (isIntrospection) return await introspect(ctx, client);
      await revoke(ctx, client);
      ctx.status = 200;
      ctx.body = '';
    }
    // INTEROP.md: an empty text answer makes oidc-client-ts and simple-oauth2 fail.
    if (!isIntrospection && ctx.status === 200 && !ctx.body) ctx.body = {};
    if (isIntrospection && ctx.status === 200) asked(ctx, isActive(ctx));
  };

  const answered = new Set([paths.introspection, paths.revocation]);
  return async (ctx, next) => {
    await next();
    if (ctx.method === 'POST' && answered.has(ctx.path))
      await answer(ctx as KoaContextWithOIDC, ctx.path === paths.introspection);
  };
};
