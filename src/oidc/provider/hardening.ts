import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { Refusal } from '../../platform/errors/index.ts';
import type { Openings } from '../limits/openings.ts';
import type { ProtocolLimits } from '../limits/service.ts';
import type { ClientSource } from '../ports.ts';

type Middleware = Parameters<Provider['use']>[0];

export interface HardeningDeps {
  clients: Pick<ClientSource, 'verifySecret'>;
  limits: Pick<ProtocolLimits, 'checkSecret' | 'secretFailed' | 'checkUserCode'>;
  openings: Openings;
}

const currentAddress = (): string => Provider.ctx?.info.ip ?? '';

/** A refusal of ours in the words of the core, which answers anything else with 500. */
const refusedByCore = (error: unknown): unknown => {
  if (!(error instanceof Refusal)) return error;
  Provider.ctx?.set(error.headers);
  return new errors.OIDCProviderError(error.status, 'temporarily_unavailable', { detail: error.title });
};

/** CL-06: the core knows a stand-in where we keep a digest; guesses are counted. */
const throttleSecrets = (provider: Provider, { clients, limits }: HardeningDeps): void => {
  provider.Client.prototype.compareClientSecret = async function compareClientSecret(
    this: { clientId: string; clientAuthMethod: string },
    actual: string,
  ) {
    // CL-02: the one registered method; x/oauth2 tries the other one first, so this is no guess.
    const isInHeader = /^basic /i.test(Provider.ctx?.get('authorization') ?? '');
    if (isInHeader !== (this.clientAuthMethod === 'client_secret_basic')) return false;
    const address = currentAddress();
    try {
      limits.checkSecret(this.clientId, address);
    } catch (error) {
      throw refusedByCore(error);
    }
    const isRight = await clients.verifySecret(this.clientId, actual);
    if (!isRight) await limits.secretFailed(this.clientId, address);
    return isRight;
  } as unknown as (actual: string) => boolean;
};

/** CO-07: for anybody but the session that opened it first, the code is as good as unknown. */
const bindUserCodes = (provider: Provider, { openings }: HardeningDeps): void => {
  const { DeviceCode } = provider;
  const { findByUserCode } = DeviceCode;
  DeviceCode.findByUserCode = async function find(this: typeof DeviceCode, ...given) {
    const code = await findByUserCode.apply(this, given);
    const session = (Provider.ctx as KoaContextWithOIDC | undefined)?.oidc.session;
    if (!code || !session) return code;
    return (await openings.claim(code.jti, session.uid)) ? code : undefined;
  };
};

/** The policy of an initial access token stays with the client (ClientSettings), whatever mode registration has later. */
const keepPoliciesOut = (provider: Provider): void => {
  const { prototype } = provider.RegistrationAccessToken;
  const { save } = prototype;
  prototype.save = function saveWithoutPolicies(this: typeof prototype, ...given) {
    delete this.policies;
    return save.apply(this, given);
  };
};

/** RU-02, RFC 8252 §7.3, §8.3: only the port of a literal loopback address may vary, so `localhost` is compared as written. */
const compareLocalhostExactly = (provider: Provider): void => {
  const { prototype } = provider.Client;
  const { redirectUriAllowed } = prototype;
  prototype.redirectUriAllowed = function isAllowed(this: typeof prototype, address) {
    const isLocalhost = /^http:\/\/localhost[:/?]/i.test(address);
    return isLocalhost ? (this.redirectUris ?? []).includes(address) : redirectUriAllowed.call(this, address);
  };
};

export const harden = (provider: Provider, deps: HardeningDeps): void => {
  throttleSecrets(provider, deps);
  bindUserCodes(provider, deps);
  keepPoliciesOut(provider);
  compareLocalhostExactly(provider);
};

/** RFC 8628 §5.1: after five wrong codes from an address no more are looked at for a while. */
export const userCodeGate =
  (limits: Pick<ProtocolLimits, 'checkUserCode'>, path: string): Middleware =>
  async (ctx, next) => {
    if (ctx.method === 'POST' && ctx.path === path) await limits.checkUserCode(ctx.info.ip);
    await next();
  };
