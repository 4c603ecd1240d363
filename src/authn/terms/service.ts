import type { Database } from '../../platform/db/index.ts';
import type { AuditSink, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { createTermsRepository, type TermsRow, type TermsText } from './repository.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface TermsDeps {
  database: Database;
  clock: Clock;
  site: {
    sink(trx: Transaction): AuditSink;
    /** The newest version, kept for a minute at most; `load` answers `none` where there is none. */
    cached(load: () => Promise<TermsRow | 'none'>): Promise<TermsRow | 'none'>;
    /** Every process reads it again. */
    changed(trx: Transaction): Promise<void>;
  };
}

/** What a person is asked to accept. */
export interface TermsView {
  version: string;
  title: string;
  url: string;
}

const maxRemembered = 10_000;

/** Terms of use (FEATURES A3): each new version is asked for once, at sign-up or at the next sign-in. */
export const createTerms = ({ database, clock, site }: TermsDeps) => {
  const outside = createTermsRepository(database.knex);
  /** An acceptance is never taken back: what was seen once needs no second look. */
  const accepted = new Set<string>();
  const remember = (key: string): void => {
    if (accepted.size >= maxRemembered) accepted.clear();
    accepted.add(key);
  };

  const current = async (): Promise<TermsRow | undefined> => {
    const row = await site.cached(async () => (await outside.newest()) ?? 'none');
    return row === 'none' ? undefined : row;
  };

  const acceptIn = async (trx: Transaction, accountId: string, version: string): Promise<void> => {
    if (!(await createTermsRepository(trx).accept(accountId, version, clock.now()))) return;
    const actor = { type: 'user', id: accountId } as const;
    await site
      .sink(trx)
      .record({ type: 'identity.terms_accepted', outcome: 'success', actor, subjectId: accountId, details: { version } });
  };

  return {
    current,
    list: (): Promise<TermsRow[]> => outside.all(),
    /** In the reader's language, or in English, or in the first there is. */
    viewFor: async (locale: string): Promise<TermsView | undefined> => {
      const row = await current();
      const text =
        row?.texts.find((one) => one.locale === locale) ?? row?.texts.find((one) => one.locale === 'en') ?? row?.texts[0];
      return row && text && { version: row.version, title: text.title, url: text.url };
    },
    /** Whether the newest version is not accepted yet. */
    isDue: async (accountId: string): Promise<boolean> => {
      const row = await current();
      if (!row) return false;
      const key = `${row.version}\0${accountId}`;
      if (accepted.has(key)) return false;
      if (!(await outside.hasAccepted(accountId, row.version))) return true;
      remember(key);
      return false;
    },
    /** Within the transaction that makes the account. */
    acceptIn,
    /** @returns false when the version is not the newest: nothing is recorded then */
    accept: async (accountId: string, version: string): Promise<boolean> => {
      if ((await current())?.version !== version) return false;
      await database.transaction((trx) => acceptIn(trx, accountId, version));
      remember(`${version}\0${accountId}`);
      return true;
    },
    /** From now on everybody is asked for it. @throws terms_exist */
    publish: (version: string, texts: TermsText[], actor: { type: 'user' | 'client'; id: string }): Promise<TermsRow> =>
      database.transaction(async (trx) => {
        const row = { version, texts, published_at: clock.now() };
        const published_by = actor.type === 'user' ? actor.id : null;
        if (!(await createTermsRepository(trx).publish({ ...row, published_by }))) throw errors.terms_exist();
        await site.changed(trx);
        await site.sink(trx).record({ type: 'identity.terms_published', outcome: 'success', actor, details: { version } });
        return row;
      }),
  };
};

export type Terms = ReturnType<typeof createTerms>;
