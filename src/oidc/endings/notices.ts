import type { Provider } from 'oidc-provider';
import type { AuditBuffer, Mailer } from '../../platform/ports.ts';
import { currentUnit } from '../adapters/index.ts';
import type { Transaction, TransactionalSinks } from '../ports.ts';
import { createEndingRepository } from './repository.ts';
import { type LogoutNotice, logoutTopic } from './service.ts';

/** RFC 9700 §4.14.2, TK-04: the person learns that a token of theirs came back. */
export const createReuseWarning =
  ({ mail, issuer }: { mail(trx: Transaction): Mailer; issuer: string }) =>
  async (trx: Transaction, accountId: string, clientId: string): Promise<void> => {
    const repository = createEndingRepository(trx);
    const reader = await repository.readerOf(accountId);
    if (!reader) return;
    const application = (await repository.clientName(clientId)) ?? clientId;
    const values = { application, link: `${issuer}/forgot` };
    await mail(trx).send({ to: reader.address, template: 'token-reused', locale: reader.locale, values });
  };

type Send = (accountId: string, sid?: string) => Promise<void>;

export interface NoticeDeps {
  provider(): Provider;
  sinks: Pick<TransactionalSinks, 'outbox'>;
  audit: AuditBuffer;
}

/**
 * OpenID Connect Back-Channel Logout 1.0 through the outbox (SE-09): the core calls on each client while the person waits, so its
 * call is turned into an entry that commits with the end of the session; the core's own sending delivers it.
 */
export const createLogoutNotices = ({ provider, sinks, audit }: NoticeDeps) => {
  const senders = new WeakMap<Provider, Send>();

  const attach = (built: Provider): void => {
    const { prototype } = built.Client as unknown as { prototype: { backchannelLogout: Send } };
    senders.set(built, prototype.backchannelLogout);
    prototype.backchannelLogout = async function owe(this: { clientId: string }, accountId, sid) {
      const payload: LogoutNotice = { clientId: this.clientId, accountId, sid };
      currentUnit()?.enlistEnding((trx) => sinks.outbox(trx).add({ topic: logoutTopic, payload }));
    };
  };

  /** One attempt. @throws where the client did not answer 200 or 204: it is called again later */
  const deliver = async ({ clientId, accountId, sid }: LogoutNotice): Promise<void> => {
    const current = provider();
    const client = await current.Client.find(clientId);
    if (!client?.backchannelLogoutUri) return;
    await senders.get(current)?.call(client as never, accountId, sid);
    audit.note({
      type: 'oidc.backchannel_logout',
      outcome: 'success',
      actor: { type: 'system' },
      subjectId: accountId,
      clientId,
      details: { delivered: true },
    });
  };

  return { topic: logoutTopic, attach, deliver: (payload: Record<string, unknown>) => deliver(payload as LogoutNotice) };
};
