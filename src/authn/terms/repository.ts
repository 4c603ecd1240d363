import type { Knex } from 'knex';

/** The terms in one language. */
export interface TermsText {
  /** BCP 47 */
  locale: string;
  title: string;
  url: string;
}

export interface TermsRow {
  version: string;
  texts: TermsText[];
  published_at: Date;
}

export interface TermsRepository {
  newest(): Promise<TermsRow | undefined>;
  all(): Promise<TermsRow[]>;
  /** False when there is that version. */
  publish(row: TermsRow & { published_by: string | null }): Promise<boolean>;
  hasAccepted(userId: string, version: string): Promise<boolean>;
  /** Again changes nothing. */
  accept(userId: string, version: string, now: Date): Promise<boolean>;
}

export const createTermsRepository = (db: Knex): TermsRepository => ({
  newest: () => db('terms_versions').orderBy('published_at', 'desc').first('version', 'texts', 'published_at'),
  all: async () =>
    (await db('terms_versions').orderBy('published_at', 'desc').select('version', 'texts', 'published_at')) as TermsRow[],
  publish: async ({ texts, ...row }) => {
    const values = { ...row, texts: JSON.stringify(texts) };
    return (await db('terms_versions').insert(values).onConflict('version').ignore().returning('version')).length === 1;
  },
  hasAccepted: async (userId, version) =>
    (await db('terms_acceptances').where({ user_id: userId, version }).first('version')) !== undefined,
  accept: async (userId, version, now) => {
    const row = { user_id: userId, version, accepted_at: now };
    return (
      (await db('terms_acceptances').insert(row).onConflict(['user_id', 'version']).ignore().returning('version')).length === 1
    );
  },
});
