import { Provider, type Session } from 'oidc-provider';
import type { RequestInfo } from '../../platform/http/index.ts';
import { deviceCookie } from '../../sessions/index.ts';
import { hashOf } from '../adapters/index.ts';
import type { BrowserBond, SessionBinding, Surroundings } from '../ports.ts';
import type { Endings } from '../surface.ts';

export interface BindingDeps {
  binding: SessionBinding;
  endSessions: Endings['endSessions'];
}

/** What the core's models do not know of: the bond rides in the session's own row, so that a check costs no read. */
interface Bonded {
  bond?: BrowserBond | undefined;
}

/** The core's context, which within our application carries what we know of the request. */
interface Context {
  info: RequestInfo;
}

const surroundings = ({ info }: Context): Surroundings => ({
  ip: info.ip,
  userAgent: info.userAgent,
  header: info.header,
  device: info.cookie(deviceCookie),
});

const withBond = (Model: { IN_PAYLOAD: readonly string[] }): void => {
  const names = [...Model.IN_PAYLOAD, 'bond'];
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => names });
};

/**
 * SE-10: the cookie of a session counts only in the browser it was given to. Elsewhere it is as if there were none, so that its
 * bearer has to sign in, or, as set, the session ends.
 */
export const attachBinding = (provider: Provider, { binding, endSessions }: BindingDeps): void => {
  const Model = provider.Session as unknown as {
    IN_PAYLOAD: readonly string[];
    get(ctx: Context): Promise<Session & Bonded>;
    instantiate(payload?: object): Session & Bonded;
    prototype: { save(ttl: number): Promise<string> };
  };
  withBond(Model);
  withBond(provider.RefreshToken as unknown as { IN_PAYLOAD: readonly string[] });
  const { get } = Model;
  const { save } = Model.prototype;

  Model.get = async function bound(this: typeof Model, ctx: Context & { oidc?: { entity(name: string, value: unknown): void } }) {
    const session = await get.call(this, ctx);
    const { accountId } = session;
    if (accountId === undefined) return session;
    const verdict = binding.judge(session.bond, surroundings(ctx), { accountId, sessionUid: hashOf(session.uid) });
    if (verdict.kind === 'accept') {
      if (verdict.bound) session.bond = verdict.bound;
      return session;
    }
    if (verdict.kind === 'end') await endSessions([hashOf(session.uid)], { cause: 'device_mismatch', actor: { type: 'system' } });
    const none = this.instantiate();
    ctx.oidc?.entity('Session', none);
    return none;
  };

  /** Whoever signs in binds the session anew. */
  Model.prototype.save = function bindThenSave(this: Session & Bonded, ttl: number) {
    const ctx = Provider.ctx as (Context & { oidc: { result?: { login?: unknown } } }) | undefined;
    if (ctx && this.accountId !== undefined && (this.bond === undefined || ctx.oidc.result?.login !== undefined))
      this.bond = binding.describe(surroundings(ctx));
    return save.call(this, ttl);
  };
};
