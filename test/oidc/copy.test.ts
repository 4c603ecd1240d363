import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter, createArtifactStore, hashOf } from '../../src/oidc/adapters/index.ts';
import type { ClientRecord } from '../../src/oidc/index.ts';
import { createEnvelope, randomSecret, uuidv7 } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';

const client: ClientRecord = { clientId: 'app', metadata: {}, settings: {}, isFirstParty: false, isVerified: true };

describe('P10, P3 the copy that the owner of an embedded database keeps of artifacts', () => {
  let database: Database;
  let adapterOf: (kind: string) => ArtifactAdapter;
  /** The same rows without a copy. */
  let truthOf: (kind: string) => ArtifactAdapter;
  let statements = 0;
  const userId = uuidv7(new Date());

  before(async () => {
    database = await openTestDatabase();
    const deps = { clients: { find: async () => client }, envelope: createEnvelope([randomBytes(32)]) };
    const clock = createTestClock();
    const store = createArtifactStore({ database, clients: deps.clients, clock });
    const plain = createArtifactStore({ database: { ...database, engine: 'postgres' }, clients: deps.clients, clock });
    adapterOf = (kind) => new ArtifactAdapter(kind, { ...deps, store });
    truthOf = (kind) => new ArtifactAdapter(kind, { ...deps, store: plain });
    const at = new Date();
    await database.knex('users').insert({ id: userId, created_at: at, updated_at: at });
    database.onStatement(() => {
      statements += 1;
    });
  });
  after(() => database.close());

  const user = () => database.knex('users').where({ id: userId });

  /** A token of a grant in a session that has a device, read once. */
  const signedIn = async () => {
    const [grantId, tokenId, sessionId, uid] = [randomSecret(), randomSecret(), randomSecret(), randomSecret()];
    const now = new Date();
    await adapterOf('Session').upsert(sessionId, { uid, accountId: userId, loginTs: 1 }, 600);
    await adapterOf('Grant').upsert(grantId, { accountId: userId, clientId: 'app', openid: { scope: 'openid' } }, 600);
    const token = { accountId: userId, clientId: 'app', grantId, sessionUid: uid, scope: 'openid' };
    await adapterOf('AccessToken').upsert(tokenId, token, 600);
    const times = { authenticated_at: now, created_at: now, last_seen_at: now, expires_at: new Date(now.getTime() + 600_000) };
    await database.knex('sessions').insert({ id: uuidv7(now), user_id: userId, session_uid: hashOf(uid), ...times });
    const find = () => adapterOf('AccessToken').find(tokenId);
    expect(await find()).to.include({ clientId: 'app' });
    return { grantId, tokenId, sessionId, uid, find };
  };

  it('answers again without a statement', async () => {
    const { find, uid } = await signedIn();
    statements = 0;
    expect(await find()).to.include({ scope: 'openid' });
    expect(await adapterOf('Session').findByUid(uid)).to.include({ accountId: userId });
    expect(statements).to.equal(0);
  });

  it('hands out nothing that a reader could change for the next', async () => {
    const { grantId } = await signedIn();
    const first = await adapterOf('Grant').find(grantId);
    Object.assign(first?.openid as object, { scope: 'openid everything' });
    expect((await adapterOf('Grant').find(grantId))?.openid).to.deep.equal({ scope: 'openid' });
  });

  it('TK-05: sees what others write, whatever the table and however they write it', async () => {
    const { tokenId, uid, grantId, find } = await signedIn();
    const endings: [string, () => PromiseLike<unknown>, () => PromiseLike<unknown>][] = [
      ['account', () => user().update({ status: 'deactivated' }), () => user().update({ status: 'active' })],
      [
        'device',
        () =>
          database
            .knex('sessions')
            .where({ session_uid: hashOf(uid) })
            .update({ ended_at: new Date() }),
        () => database.knex.raw('update sessions set ended_at = null'),
      ],
      [
        'everything',
        () =>
          database
            .knex('revocations')
            .insert({ id: uuidv7(new Date()), scope: 'everything', revoked_before: new Date(Date.now() + 1000) }),
        () => database.knex('revocations').delete(),
      ],
      [
        'grant, in a transaction',
        () =>
          database.transaction((trx) =>
            trx('oidc_artifacts')
              .where({ id: hashOf(grantId) })
              .update({ kind: 'Gone' }),
          ),
        () =>
          database
            .knex('oidc_artifacts')
            .where({ id: hashOf(grantId) })
            .update({ kind: 'Grant' }),
      ],
    ];
    for (const [what, end, restore] of endings) {
      await end();
      expect(await find(), what).to.equal(undefined);
      await restore();
      expect(await find(), what).to.not.equal(undefined);
    }
    await database.knex.raw(`with gone as (delete from oidc_artifacts where id = ? returning 1) select * from gone`, [
      hashOf(tokenId),
    ]);
    expect(await find()).to.equal(undefined);
  });

  it('is right again after a transaction that was rolled back', async () => {
    const { tokenId, find } = await signedIn();
    const failed = database.transaction(async (trx) => {
      await trx('oidc_artifacts')
        .where({ id: hashOf(tokenId) })
        .delete();
      throw new Error('not after all');
    });
    await failed.catch(() => undefined);
    expect(await find()).to.not.equal(undefined);
  });

  it('agrees with the database whatever happens at once', async () => {
    const ids = Array.from({ length: 8 }, () => ({ grant: randomSecret(), token: randomSecret(), kind: 'RefreshToken' }));
    // Repeatable: a failure can be looked at.
    let seed = 20_261;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const grant = { accountId: userId, clientId: 'app' };
    const acts: ((id: (typeof ids)[number]) => PromiseLike<unknown>)[] = [
      (id) => adapterOf('Grant').upsert(id.grant, { ...grant, openid: { scope: `openid ${random(99)}` } }, 600),
      (id) => adapterOf('RefreshToken').upsert(id.token, { ...grant, grantId: id.grant, scope: `s${random(99)}` }, 600),
      (id) => adapterOf('RefreshToken').upsert(id.token, { ...grant, grantId: id.grant, scope: `s${random(99)}` }, 600),
      (id) => adapterOf('RefreshToken').consume(id.token),
      (id) => adapterOf('RefreshToken').destroy(id.token),
      (id) => adapterOf('RefreshToken').revokeByGrantId(id.grant),
      (id) =>
        database
          .knex('oidc_artifacts')
          .where({ grant_id: hashOf(id.grant) })
          .delete(),
      (id) =>
        database.transaction((trx) =>
          trx('oidc_artifacts')
            .where({ id: hashOf(id.token) })
            .update({ consumed_at: new Date() }),
        ),
      () => user().update({ revoked_before: null }),
      (id) => adapterOf('RefreshToken').find(id.token),
      (id) => adapterOf('RefreshToken').find(id.token),
      (id) => adapterOf('Grant').find(id.grant),
    ];
    const shown = async (find: (kind: string) => ArtifactAdapter): Promise<(AdapterPayload | undefined)[]> => {
      const found: (AdapterPayload | undefined)[] = [];
      for (const id of ids) found.push(await find('RefreshToken').find(id.token), await find('Grant').find(id.grant));
      return found.map((payload) => payload && { ...payload, grantId: payload.grantId === undefined ? undefined : 'one' });
    };
    for (let round = 0; round < 60; round += 1) {
      const batch = Array.from({ length: 12 }, () => [acts[random(acts.length)], ids[random(ids.length)]] as const);
      await Promise.allSettled(batch.map(([act, id]) => act && id && Promise.resolve(act(id))));
      expect(await shown(adapterOf), `round ${round}`).to.deep.equal(await shown(truthOf));
    }
  });
});
