import type { Accounts } from '../../identity/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Mailer } from '../../platform/ports.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Topic of the outbox: `{accountId, notice, provider?, ip?}`, told by mail. */
export const noticeTopic = 'security-notice';

export interface NoticeDeps {
  database: Database;
  accounts: Pick<Accounts, 'find'>;
  mail(trx: Transaction): Mailer;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Tells a person by mail what happened to their factors (MF-02, MF-05); the address is the one stored (RS-02). */
export const createNotices = ({ database, accounts, mail }: NoticeDeps) => ({
  topic: noticeTopic,
  deliver: async (payload: Record<string, unknown>): Promise<void> => {
    const { notice, provider, ip } = payload;
    const account = await accounts.find(String(payload.accountId));
    const to = text(account?.claims.email);
    if (account === undefined || to === undefined) return;
    const message = { to, template: noticeTopic, locale: text(account.claims.locale), values: { notice, provider, ip } };
    await database.transaction((trx) => mail(trx).send(message));
  },
});
