import type { Knex } from 'knex';

/** What was handed out before a restore and has no owner's ending of its own. */
export interface RestoreRepository {
  /** Links, codes, challenges, flows under way, remembered browsers, kept answers: each lives for days at most. */
  endShortLived(now: Date): Promise<void>;
  /** Mails and notices that had not left when the backup was made: most of them have left since. @returns how many */
  giveUpOutbox(now: Date): Promise<number>;
  /** Of people with sessions, tokens or codes. */
  accounts(): Promise<string[]>;
  /** TK-10: nothing that was issued before counts for anybody. */
  revokeEverybody(now: Date): Promise<void>;
}

const shortLived = [
  'authentication_flows',
  'webauthn_challenges',
  'upstream_flows',
  'trusted_devices',
  'known_devices',
  'idempotency_keys',
  'approvals',
];

export const createRestoreRepository = (trx: Knex.Transaction): RestoreRepository => ({
  endShortLived: async (now) => {
    for (const table of shortLived) await trx(table).del();
    await trx('tickets').whereNull('ended_at').update({ ended_at: now });
    await trx('invitations').whereNull('accepted_at').whereNull('revoked_at').update({ revoked_at: now });
    await trx('registration_tokens').whereNull('revoked_at').update({ revoked_at: now });
  },
  giveUpOutbox: (now) =>
    trx('outbox')
      .whereNull('delivered_at')
      .whereNull('dead_at')
      .update({ dead_at: now, locked_until: null, last_error: 'restored from a backup' }),
  accounts: async () => {
    const { rows } = await trx.raw(`select id from users u where
      exists (select 1 from oidc_artifacts a where a.account_id = u.id and a.kind <> 'Consent')
      or exists (select 1 from sessions s where s.user_id = u.id and s.ended_at is null)`);
    return (rows as { id: string }[]).map(({ id }) => id);
  },
  revokeEverybody: async (now) => {
    await trx('oidc_artifacts').whereNot({ kind: 'Consent' }).del();
    await trx('users').update({ revoked_before: now });
    await trx('clients').whereNot({ source: 'builtin' }).update({ revoked_before: now });
  },
});
