import type { Knex } from 'knex';

/** Several identifiers per person (FEATURES A3): user names that look alike are one, phones have one canonical form. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    -- PW-10, UTS #39 §4: what a user name looks like
    alter table identifiers add column skeleton text;
    create unique index identifiers_skeleton on identifiers (skeleton) where skeleton is not null;
    -- the new primary address was one of the person's already; the old one stays another
    alter table email_changes add column keeps_old boolean not null default false;
    update identifiers i set canonical = n.number
      from (select id, regexp_replace(value, '[[:space:]().\\-/]', '', 'g') as number from identifiers where type = 'phone') n
      where n.id = i.id and i.canonical <> n.number
        and not exists (select 1 from identifiers o where o.type = 'phone' and o.canonical = n.number);
    -- each but the user name is verified before it counts; an address that signed up counts as before
    update identifiers set login_allowed = false where type = 'phone' and verified_at is null;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
