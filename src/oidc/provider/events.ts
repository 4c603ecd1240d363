import type { AccessToken, ClientCredentials, DeviceCode, KoaContextWithOIDC, Provider, RefreshToken } from 'oidc-provider';
import { Provider as AnyProvider } from 'oidc-provider';
import type { Actor, AuditBuffer, AuditEvent } from '../../platform/ports.ts';
import { currentUnit, hashOf } from '../adapters/index.ts';
import { grantTypes } from '../clients/rules.ts';
import type { SessionRecording } from '../sessions/recording.ts';

export interface ProtocolEventDeps {
  audit: AuditBuffer;
  recording: Pick<SessionRecording, 'reused'>;
  /** `tokens_issued_total`. */
  issued(kind: string, grantType: string): void;
}

interface TokenAnswer {
  access_token?: string;
  refresh_token?: string;
  id_token?: string;
}

/** AU-04: what a client sent as a grant type may be anything, a secret too. */
const grantTypeOf = (value: unknown): string => (typeof value === 'string' && grantTypes.includes(value) ? value : 'unknown');

const actorOf = (clientId: string | undefined): Actor =>
  clientId === undefined ? { type: 'anonymous' } : { type: 'client', id: clientId };

const isPerson = (token: AccessToken | ClientCredentials): token is AccessToken => token.kind === 'AccessToken';

/** Who a token is about, and under which session it was given. */
const subjectOf = (
  token: AccessToken | ClientCredentials | undefined,
): Pick<AuditEvent, 'subjectId' | 'sessionUid' | 'target'> => {
  if (!token) return {};
  const target = typeof token.aud === 'string' ? { type: 'resource', id: token.aud } : undefined;
  if (!isPerson(token)) return { target };
  return {
    target,
    subjectId: token.accountId,
    sessionUid: token.sessionUid === undefined ? undefined : hashOf(token.sessionUid),
  };
};

/** What is told of a token that was given out. */
export const issuedEvent = (
  clientId: string | undefined,
  token: AccessToken | ClientCredentials | undefined,
  { grantType, accessToken }: { grantType: string; accessToken: string | undefined },
): AuditEvent => ({
  type: 'oidc.token.issued',
  outcome: 'success',
  clientId,
  actor: actorOf(clientId),
  ...subjectOf(token),
  details: { grantType, format: formatOf(accessToken), scope: token?.scope },
});

const formatOf = (value: string | undefined): string => (value?.split('.').length === 3 ? 'jwt' : 'opaque');

/** The core revokes a grant at the token endpoint only when a code or refresh token comes back a second time. */
const causes: Record<string, string> = { revocation: 'revoked', end_session_confirm: 'logout', token: 'reuse' };

/** Only in a unit does an event commit with its change; where there is none, nothing was changed. */
const record = (audit: AuditBuffer, event: AuditEvent): void => {
  const unit = currentUnit();
  if (unit) unit.record(event);
  else audit.note(event);
};

/** Audit of the protocol's flows (FEATURES C5), out of what the core tells of them. */
export const attachEvents = (provider: Provider, { audit, recording, issued }: ProtocolEventDeps): void => {
  const clientOf = (ctx: KoaContextWithOIDC): { actor: Actor; clientId: string | undefined } => {
    const clientId = ctx.oidc.client?.clientId;
    return { clientId, actor: actorOf(clientId) };
  };

  const counted = (answer: TokenAnswer, grantType: string): void => {
    const kinds = (['access_token', 'refresh_token', 'id_token'] as const).filter((kind) => answer[kind] !== undefined);
    const count = (): void => {
      for (const kind of kinds) issued(kind, grantType);
    };
    const unit = currentUnit();
    if (unit) unit.afterwards(count);
    else count();
  };

  const granted = (ctx: KoaContextWithOIDC): void => {
    const { entities, params } = ctx.oidc;
    const grantType = grantTypeOf(params?.grant_type);
    const token = entities.AccessToken ?? entities.ClientCredentials;
    const answer = (ctx.body ?? {}) as TokenAnswer;
    const about = { outcome: 'success', ...clientOf(ctx), ...subjectOf(token) } as const;
    if (grantType === 'refresh_token')
      record(audit, { type: 'oidc.token.refreshed', ...about, details: { scope: token?.scope } });
    else record(audit, issuedEvent(about.clientId, token, { grantType, accessToken: answer.access_token }));
    counted(answer, grantType);
  };

  /** RFC 6749 §10.5, RFC 9700 §4.14.2: a code or refresh token that was spent before has been stolen, from somebody. */
  const reused = (token: RefreshToken): void => currentUnit()?.enlistEnding((trx) => recording.reused(trx, token));

  const refused = (ctx: KoaContextWithOIDC, error: Error & { error?: string }): void => {
    const { entities, params } = ctx.oidc;
    if (entities.RefreshToken?.consumed) {
      reused(entities.RefreshToken);
      return;
    }
    const details = { grantType: grantTypeOf(params?.grant_type), error: error.error ?? error.message };
    audit.note({ type: 'oidc.token.refused', outcome: 'failure', ...clientOf(ctx), details });
  };

  /** A redirect with tokens in it (OpenID Connect Core §3.2, §3.3). */
  const answered = (ctx: KoaContextWithOIDC, out: TokenAnswer = {}): void => {
    if (out.access_token === undefined && out.id_token === undefined) return;
    const about = { outcome: 'success', ...clientOf(ctx), ...subjectOf(ctx.oidc.entities.AccessToken) } as const;
    const subjectId = about.subjectId ?? ctx.oidc.account?.accountId;
    const details = {
      grantType: 'implicit',
      format: formatOf(out.access_token),
      scope: ctx.oidc.params?.scope as string | undefined,
    };
    record(audit, { type: 'oidc.token.issued', ...about, subjectId, details });
    counted(out, 'implicit');
  };

  /** RFC 7009; the core destroys tokens elsewhere as well. */
  const destroyed = (token: AccessToken | ClientCredentials | RefreshToken): void => {
    const ctx = AnyProvider.ctx;
    if (ctx?.oidc.route !== 'revocation') return;
    const subjectId = 'accountId' in token ? token.accountId : undefined;
    record(audit, { type: 'oidc.token.revoked', outcome: 'success', ...clientOf(ctx), subjectId, details: { kind: token.kind } });
  };

  const revoked = (ctx: KoaContextWithOIDC): void => {
    const { route, entities, session } = ctx.oidc;
    const cause = causes[route] ?? route;
    const owner = entities.AccessToken ?? entities.RefreshToken ?? entities.AuthorizationCode;
    const subjectId = owner?.accountId ?? session?.accountId;
    record(audit, { type: 'oidc.grant.revoked', outcome: 'success', ...clientOf(ctx), subjectId, details: { cause } });
  };

  /** RFC 8628 §3.3: the person at the browser said no. */
  const deviceAnswered = (code: DeviceCode): void => {
    if (code.error !== 'access_denied') return;
    const subjectId = AnyProvider.ctx?.oidc.session?.accountId;
    const actor: Actor = subjectId === undefined ? { type: 'anonymous' } : { type: 'user', id: subjectId };
    record(audit, { type: 'oidc.consent.denied', outcome: 'denied', actor, subjectId, clientId: code.clientId });
  };

  provider.on('grant.success', granted);
  provider.on('grant.error', refused);
  provider.on('authorization.success', answered as (ctx: KoaContextWithOIDC) => void);
  provider.on('grant.revoked', revoked);
  provider.on('access_token.destroyed', destroyed);
  provider.on('client_credentials.destroyed', destroyed);
  provider.on('refresh_token.destroyed', destroyed);
  provider.on('device_code.saved', deviceAnswered);
};
