import { expect } from 'chai';
import { afterCommit, type Database, isUniqueViolation, openDatabase, prepared, statement } from '../../src/platform/db/index.ts';
import { layCable } from '../support/cable.ts';
import { type Engine, locate, openTestDatabase } from '../support/database.ts';
import { eventually } from '../support/processes.ts';
import { describeWith } from '../support/services.ts';

const insertSetting = statement('test-insert-setting', 'insert into settings (key, value, updated_at) values ($1, $2, $3)');

const suite = (engine: Engine) => () => {
  let database: Database;
  before(async () => {
    database = await openTestDatabase(engine);
  });
  after(() => database.close());

  it('runs as the application role, neither owner nor superuser', async () => {
    const { rows } = await database.knex.raw(
      `select current_user as name, (select rolsuper from pg_roles where rolname = current_user) as super`,
    );
    expect(rows).to.deep.equal([{ name: 'castellan_app', super: false }]);
  });

  it('F-06 lets no statement and no lock wait longer than 5 s, and no transaction idle longer than 30 s', async () => {
    const { rows } = await database.knex.raw(
      `select name, setting from pg_settings where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }: { name: string; setting: string }) => [name, setting]))).to.deep.equal(
      {
        statement_timeout: '5000',
        lock_timeout: '5000',
        idle_in_transaction_session_timeout: '30000',
      },
    );
  });

  it('AU-02 refuses changes of audit events, in the parent and in partitions', async () => {
    const { rows } = await database.knex.raw(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_events'::regclass limit 1`,
    );
    for (const table of ['audit_events', rows[0].name]) {
      const error = await database
        .knex(table)
        .delete()
        .catch((caught: { code?: string }) => caught);
      expect(error).to.have.property('code', '42501');
    }
  });

  it('runs hooks after commit only', async () => {
    const seen: string[] = [];
    await database.transaction(async (trx) => afterCommit(trx, () => void seen.push('committed')));
    await database
      .transaction(async (trx) => {
        afterCommit(trx, () => void seen.push('rolled back'));
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(seen).to.deep.equal(['committed']);
  });

  it('runs prepared statements in the transaction they are given', async () => {
    await database
      .transaction(async (trx) => {
        await prepared(trx, insertSetting, ['test', '1', new Date()]);
        throw new Error('roll back');
      })
      .catch(() => undefined);
    expect(await database.knex('settings').where({ key: 'test' })).to.deep.equal([]);
    await prepared(database.knex, insertSetting, ['test', '1', new Date()]);
    const error = await prepared(database.knex, insertSetting, ['test', '2', new Date()]).catch((caught) => caught);
    expect(isUniqueViolation(error, 'settings_pkey')).to.equal(true);
  });

  it('reads what a prepared statement answers as Knex does, the first time and later', async () => {
    const text = `select 'a "b" \\ c' as text, null::text as nothing, 7::integer as number, 9::bigint as big, true as flag,
      '{"a":[1,null]}'::jsonb as json, $1::timestamptz as moment, '2026-01-02 03:04:05.678901+05:30'::timestamptz as other,
      array['x', null, 'y,"z'] as list, $2::text[] as given, $3::bytea as bytes`;
    const values = [new Date(), ['plain', null, 'q"u\\o,te{}', ''], Buffer.from([0, 255])];
    const all = statement('test-values', text);
    const { rows: expected } = await database.knex.raw(text.replace(/\$\d/g, '?'), values as never);
    for (let round = 0; round < 2; round += 1) {
      const { rows, rowCount } = await prepared<Record<string, unknown>>(database.knex, all, values);
      expect(rows).to.deep.equal(expected);
      expect(rowCount).to.equal(1);
      expect(rows[0]?.given).to.deep.equal(values[1]);
    }
    const nobody = statement('test-update', 'update settings set value = value where key = $1');
    expect(await prepared(database.knex, nobody, ['nobody'])).to.deep.equal({ rows: [], rowCount: 0 });
  });

  it('goes on with a connection after a prepared statement failed', async () => {
    const divide = statement('test-divide', 'select 1 / $1::integer as quotient');
    for (const divisor of [0, 1, 0, 1]) {
      const answer = await prepared<{ quotient: number }>(database.knex, divide, [divisor]).catch((error) => error.code);
      expect(divisor === 0 ? answer : answer.rows).to.deep.equal(divisor === 0 ? '22012' : [{ quotient: 1 }]);
    }
  });

  it('F-04 runs a transaction again after a deadlock or a serialization failure, three times at most; others are told at once', async () => {
    const failing = async (code: string, times: number): Promise<unknown[]> => {
      let runs = 0;
      const outcome = await database
        .transaction(async (trx) => {
          runs += 1;
          await trx('settings').insert({ key: `retried ${code} ${times}`, value: '1', updated_at: new Date() });
          if (runs <= times) await trx.raw(`do $$ begin raise exception 'no' using errcode = '${code}'; end $$`);
          return 'done';
        })
        .catch((error) => error.code);
      const kept = await database.knex('settings').where({ key: `retried ${code} ${times}` });
      return [outcome, runs, kept.length];
    };
    expect(await failing('40P01', 1)).to.deep.equal(['done', 2, 1]);
    expect(await failing('40001', 3)).to.deep.equal(['done', 4, 1]);
    expect(await failing('40P01', 4)).to.deep.equal(['40P01', 4, 0]);
    expect(await failing('22012', 1)).to.deep.equal(['22012', 1, 0]);
  });

  it('counts statements for whoever listens', async () => {
    const statements: string[] = [];
    const stop = database.onStatement(({ sql }) => void statements.push(sql));
    await database.knex('settings').first();
    stop();
    await database.knex('settings').first();
    expect(statements).to.have.length(1);
  });

  it('delivers notifications at commit', async () => {
    let deliver: (payload: string) => void = () => undefined;
    const arrived = new Promise<string>((resolve) => {
      deliver = resolve;
    });
    const stop = await database.listen('castellan_test', (payload) => deliver(payload));
    await database.knex.raw(`select pg_notify('castellan_test', 'hello')`);
    expect(await arrived).to.equal('hello');
    await stop();
  });
};

describe('P10 database, embedded', suite('embedded'));
describeWith(['postgres'], 'P10 database, PostgreSQL', suite('postgres'));

describeWith(['postgres'], 'P10 F-04 two transactions that wait for each other', () => {
  it('both end, one of them at its second try', async () => {
    const database = await openTestDatabase('postgres');
    const keys = ['one', 'two'];
    await database.knex('settings').insert(keys.map((key) => ({ key, value: '0', updated_at: new Date() })));
    let holding = 0;
    const { promise: bothHold, resolve } = Promise.withResolvers<void>();
    const both = async ([first, second]: string[]): Promise<void> =>
      database.transaction(async (trx) => {
        await trx('settings').where({ key: first }).update({ value: '1' });
        holding += 1;
        if (holding === keys.length) resolve();
        await bothHold;
        await trx('settings').where({ key: second }).update({ value: '1' });
      });
    await Promise.all([both(keys), both([...keys].reverse())]);
    expect(holding).to.equal(3);
    await database.close();
  });
});

describeWith(['postgres'], 'F-02 upkeep as the owner of the schema', () => {
  it('gives back no connection that was lost meanwhile, keeps none, and says nothing among the lines of the log', async () => {
    const { log } = console;
    const said: unknown[] = [];
    console.log = (...words) => void said.push(words);
    const place = await locate('postgres');
    const database = await openDatabase({ ...place, poolMax: 2, migrate: false });
    try {
      for (let turn = 0; turn < 3; turn += 1) {
        const lost = await database.maintain('select pg_terminate_backend(pg_backend_pid())').catch((error: unknown) => error);
        expect(lost).to.be.instanceOf(Error);
      }
      const { rows } = await database.knex.raw('select current_user as name');
      expect(rows).to.deep.equal([{ name: 'castellan_app' }]);
      expect(said).to.deep.equal([]);
    } finally {
      console.log = log;
      await database.close();
      await place.remove();
    }
  });
});

describeWith(['postgres'], 'F-13 a connection that listens', () => {
  it('does not outlive its end, also when that comes while it is made anew', async () => {
    const place = await locate('postgres');
    const url = new URL(place.databaseUrl ?? '');
    const cable = await layCable(url.hostname, Number(url.port || 5432));
    url.hostname = '127.0.0.1';
    url.port = String(cable.port);
    const database = await openDatabase({ ...place, databaseUrl: url.href, poolMax: 2, migrate: false });
    const stop = await database.listen('castellan_test', () => undefined);
    const connected = (count: number) =>
      eventually(
        async () => cable.connections(),
        (found) => found === count,
      );
    cable.pull();
    expect(await connected(0)).to.equal(0);
    cable.hold();
    expect(await connected(1), 'one that is being made').to.equal(1);
    const stopping = stop();
    cable.plug();
    await stopping;
    expect(await connected(0)).to.equal(0);
    await database.close();
    await cable.close();
    await place.remove();
  });
});
