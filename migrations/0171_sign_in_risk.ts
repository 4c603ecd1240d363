import type { Knex } from 'knex';

/** Rules by risk (FEATURES A9, S1), and where a person has signed in from before. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table mfa_policies drop constraint mfa_policies_scope_check;
    alter table mfa_policies drop constraint mfa_policies_requirement_check;
    alter table mfa_policies
      add constraint mfa_policies_scope_check check (scope in ('site', 'role', 'client', 'organization', 'risk')),
      add constraint mfa_policies_requirement_check check (requirement in ('off', 'optional', 'required', 'denied')),
      -- a refusal, and a condition of how risky it is, go together
      add constraint mfa_policies_risk_check check (
        case when scope = 'risk' then target in ('medium', 'high') and requirement in ('required', 'denied')
          else requirement <> 'denied' end
      );
    create index sessions_history on sessions (user_id, created_at desc);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
