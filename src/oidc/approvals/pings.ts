import type { BackchannelAuthenticationRequest, Provider } from 'oidc-provider';
import { currentUnit } from '../adapters/index.ts';
import type { TransactionalSinks } from '../ports.ts';

type Ping = (request: BackchannelAuthenticationRequest) => Promise<void>;

interface PingDeps {
  provider(): Provider;
  sinks: Pick<TransactionalSinks, 'outbox'>;
}

const topic = 'ciba-ping';

/** CIBA Core §10.2: whoever answers with a redirect or a refusal has been told, and is not called again; it may still poll. */
const unlessRefused = (error: unknown): void => {
  const { response } = error as { response?: { status: number } };
  if (!response || response.status >= 500) throw error;
};

/** CIBA Core §10.2 through the outbox: the person does not wait for the client, and a lost call is made again. */
export const createPings = ({ provider, sinks }: PingDeps) => {
  const senders = new WeakMap<Provider, Ping>();
  return {
    topic,
    attach: (built: Provider): void => {
      const { prototype } = built.Client as unknown as { prototype: { backchannelPing: Ping } };
      senders.set(built, prototype.backchannelPing);
      prototype.backchannelPing = async function owe(this: { clientId: string }, { jti }) {
        const payload = { clientId: this.clientId, authReqId: jti };
        currentUnit()?.enlist((trx) => sinks.outbox(trx).add({ topic, payload }));
      };
    },
    /** One attempt. @throws where the client could not be reached or failed: it is called again later */
    deliver: async ({ clientId, authReqId }: Record<string, unknown>): Promise<void> => {
      const current = provider();
      const client = await current.Client.find(String(clientId));
      const request = await current.BackchannelAuthenticationRequest.find(String(authReqId));
      // Redeemed or expired meanwhile: nobody waits for the call any more.
      if (client && request?.isValid)
        await senders
          .get(current)
          ?.call(client as never, request)
          .catch(unlessRefused);
    },
  };
};
