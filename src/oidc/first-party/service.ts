import type { Client, Provider, RefreshToken, Session } from 'oidc-provider';
import type { AuditEvent } from '../../platform/ports.ts';
import { AlreadyConsumed, type ArtifactStore, hashOf, type Unit } from '../adapters/index.ts';
import type { LateReuse } from '../endings/late-reuse.ts';
import type { BrowserBond, DeviceInfo, ResourceRecord, ResourceSource, SessionBinding, Surroundings } from '../ports.ts';
import { rememberSignIn } from '../provider/jwt-customizer.ts';
import { lifetimes } from '../provider/lifetimes.ts';
import type { SessionRecording } from '../sessions/recording.ts';
import type { FirstParty, FirstPartyTokens, LoginOutcome } from '../surface.ts';
import { apiScope, firstPartyClientId } from './builtin.ts';

export interface FirstPartyDeps {
  provider(): Provider;
  /** Our own API (CONTRACT.md). */
  issuer: string;
  store: Pick<ArtifactStore, 'inUnit' | 'clock'>;
  resources: Pick<ResourceSource, 'find'>;
  recording: Pick<SessionRecording, 'started' | 'reused'>;
  lateReuse: Pick<LateReuse, 'ofRefreshToken'>;
  /** SE-10: a refresh token is for the device that signed in. */
  binding: SessionBinding;
  endSession(sessionUid: string): Promise<void>;
  /** `tokens_issued_total`. */
  issued(kind: string, grantType: string): void;
}

const grantType = 'urn:castellan:params:oauth:grant-type:api-login';

/** The account ended while its sign-in was under way: nothing of the unit is kept. */
class SignInOver extends Error {}

interface Family {
  accountId: string;
  grantId: string;
  sessionUid: string;
  sid: string | undefined;
  acr: string | undefined;
  amr: string[] | undefined;
  authTime: number | undefined;
  bond: BrowserBond | undefined;
}

const surroundings = ({ ip = '', userAgent, header = () => undefined }: DeviceInfo): Surroundings => ({ ip, userAgent, header });

export const createFirstParty = (deps: FirstPartyDeps): FirstParty => {
  const { provider, issuer, store, resources, recording, binding, endSession, lateReuse, issued } = deps;
  const { clock } = store;

  const parties = async (): Promise<{ client: Client; api: ResourceRecord }> => {
    const client = await provider().Client.find(firstPartyClientId);
    const api = await resources.find(issuer);
    if (!client || !api) throw new Error('the built-in client or resource is missing');
    return { client, api };
  };

  const accessTokenFor = async (family: Family): Promise<{ accessToken: string; expiresIn: number }> => {
    const { client, api } = await parties();
    const { AccessToken, ResourceServer } = provider();
    const { acr, amr, authTime, bond: _bond, ...references } = family;
    const token = new AccessToken({ ...references, client, gty: grantType, expiresWithSession: true, scope: apiScope });
    token.resourceServer = new ResourceServer(issuer, {
      scope: apiScope,
      audience: issuer,
      accessTokenFormat: 'jwt',
      accessTokenTTL: api.accessTokenTtlSeconds ?? lifetimes.accessToken,
      jwt: { sign: { alg: (api.signingAlg ?? 'ES256') as 'ES256' } },
    });
    rememberSignIn(token, { acr, amr, authTime });
    return { accessToken: await token.save(), expiresIn: token.expiration };
  };

  const refreshTokenFor = async (family: Family, before?: RefreshToken): Promise<string> => {
    const { client } = await parties();
    const shape = { ...family, client, gty: grantType, expiresWithSession: true, resource: issuer, scope: apiScope };
    // TK-04: the end of the first token is the end of all.
    const place = before ? { iiat: before.iiat, rotations: (before.rotations ?? 0) + 1 } : { rotations: 0 };
    return new (provider().RefreshToken)({ ...shape, ...place }).save();
  };

  const issueOf = ({ accountId, sessionUid }: Family, isRefresh: boolean): AuditEvent => {
    const about = {
      outcome: 'success',
      actor: { type: 'user', id: accountId },
      subjectId: accountId,
      clientId: firstPartyClientId,
      sessionUid: hashOf(sessionUid),
      target: { type: 'resource', id: issuer },
    } as const;
    const scope = apiScope;
    if (isRefresh) return { type: 'oidc.token.refreshed', ...about, details: { scope } };
    return { type: 'oidc.token.issued', ...about, details: { grantType: 'api_login', format: 'jwt', scope } };
  };

  const tokensFor = async (unit: Unit, family: Family, before?: RefreshToken): Promise<FirstPartyTokens> => {
    const refreshToken = await refreshTokenFor(family, before);
    const access = await accessTokenFor(family);
    unit.record(issueOf(family, before !== undefined));
    unit.afterwards(() => {
      for (const kind of ['access_token', 'refresh_token']) issued(kind, before ? 'refresh_token' : 'api_login');
    });
    return { ...access, refreshToken, accountId: family.accountId, sessionUid: hashOf(family.sessionUid) };
  };

  /** Machine time: the store moves it to the injected clock's. */
  const authTimeOf = ({ authTime }: LoginOutcome): number =>
    Math.floor((Date.now() - (authTime ? clock.now().getTime() - authTime.getTime() : 0)) / 1000);

  const begin = async (unit: Unit, outcome: LoginOutcome, device: DeviceInfo): Promise<FirstPartyTokens> => {
    const { accountId, acr, amr, authTime = clock.now() } = outcome;
    const models = provider();
    const session: Session = new models.Session();
    session.loginAccount({ accountId, acr, amr: amr && [...amr], loginTs: authTimeOf(outcome) });
    session.ensureClientContainer(firstPartyClientId);
    const grant = new models.Grant({ accountId, clientId: firstPartyClientId });
    grant.addResourceScope(issuer, apiScope);
    const grantId = await grant.save();
    session.grantIdFor(firstPartyClientId, grantId);
    // CONTRACT.md, "Defaults": an API login's session lives as long as its refresh token.
    await session.save(lifetimes.refreshToken);
    const expiresAt = new Date(clock.now().getTime() + lifetimes.refreshToken * 1000);
    const sessionUid = hashOf(session.uid);
    const start = { sessionUid, accountId, acr, amr: amr ?? [], authenticatedAt: authTime, expiresAt, device };
    unit.enlist(async (trx) => {
      if (!(await recording.started(trx, start))) throw new SignInOver();
    });
    const sid = session.sidFor(firstPartyClientId);
    const bond = binding.describe(surroundings(device));
    const signIn = { acr, amr: amr && [...amr], authTime: session.authTime() };
    return tokensFor(unit, { accountId, grantId, sessionUid: session.uid, sid, bond, ...signIn });
  };

  const find = async (value: string): Promise<RefreshToken | undefined> => {
    const token = await provider().RefreshToken.find(value);
    return token?.clientId === firstPartyClientId && token.sessionUid !== undefined ? token : undefined;
  };

  /** What the next token is bound to; `undefined` when this one turned up somewhere else. */
  const bondFor = async (token: RefreshToken, device: DeviceInfo): Promise<{ bond: BrowserBond | undefined } | undefined> => {
    const { accountId, sessionUid = '' } = token;
    const { bond } = token as { bond?: BrowserBond };
    const bearer = { accountId, sessionUid: hashOf(sessionUid), clientId: firstPartyClientId };
    const verdict = binding.judge(bond, surroundings(device), bearer);
    if (verdict.kind === 'accept') return { bond: verdict.bound ?? bond };
    if (verdict.kind === 'end') await endSession(hashOf(sessionUid));
    return undefined;
  };

  const rotate = async (unit: Unit, value: string, device: DeviceInfo): Promise<FirstPartyTokens | undefined> => {
    const token = await find(value);
    if (!token || !(await provider().Grant.find(token.grantId ?? ''))) return undefined;
    if (token.consumed) {
      // RFC 9700 §4.14.2: one of the two who hold the token is not its owner.
      unit.enlistEnding((trx) => recording.reused(trx, token));
      return undefined;
    }
    const bound = await bondFor(token, device);
    if (!bound) return undefined;
    await token.consume();
    unit.see({ sessionUid: hashOf(token.sessionUid ?? ''), expiresAt: null });
    const { accountId, grantId = '', sessionUid = '', sid, acr, amr, authTime } = token;
    return tokensFor(unit, { accountId, grantId, sessionUid, sid, acr, amr, authTime, ...bound }, token);
  };

  return {
    issue: async (outcome, device) => {
      try {
        return await store.inUnit((unit) => begin(unit, outcome, device));
      } catch (error) {
        if (error instanceof SignInOver) return undefined;
        throw error;
      }
    },
    refresh: async (refreshToken, device) => {
      try {
        return await store.inUnit((unit) => rotate(unit, refreshToken, device));
      } catch (error) {
        if (!(error instanceof AlreadyConsumed)) throw error;
        const token = await find(refreshToken);
        if (token) await lateReuse.ofRefreshToken(token);
        return undefined;
      }
    },
    sessionOf: async (refreshToken) => {
      const token = await find(refreshToken);
      return token && { accountId: token.accountId, sessionUid: hashOf(token.sessionUid ?? '') };
    },
  };
};
