import { expect } from 'chai';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { randomSecret, uuidv7 } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';

/** What a suite needs of an implementation. */
export interface AdapterUnderTest {
  database: Database;
  adapter(kind: string): Adapter;
  /** Moves time forward. */
  advance(seconds: number): void;
  close(): Promise<void>;
}

const id = (): string => randomSecret();

/** Every implementation of the provider's storage keeps these promises (FEATURES P10). */
export const adapterContract = (open: () => Promise<AdapterUnderTest>): void => {
  let subject: AdapterUnderTest;
  const userId = uuidv7(new Date());
  const otherUserId = uuidv7(new Date());
  before(async () => {
    subject = await open();
    const at = new Date();
    await subject.database
      .knex('users')
      .insert([userId, otherUserId].map((one) => ({ id: one, created_at: at, updated_at: at })));
  });
  after(() => subject.close());

  const rowsOf = async (): Promise<string> => JSON.stringify(await subject.database.knex('oidc_artifacts').select());

  /** A grant and a token under it, as the provider makes them. */
  const grantWith = async (kind: string, extra: AdapterPayload = {}, accountId = userId) => {
    const grantId = id();
    const tokenId = id();
    await subject.adapter('Grant').upsert(grantId, { accountId, clientId: 'app', openid: { scope: 'openid' } }, 3600);
    await subject.adapter(kind).upsert(tokenId, { accountId, clientId: 'app', grantId, scope: 'openid', ...extra }, 600);
    return { grantId, tokenId };
  };

  it('keeps what it was given and gives the id back', async () => {
    const key = id();
    await subject
      .adapter('ClientCredentials')
      .upsert(key, { jti: key, kind: 'ClientCredentials', iat: 5, clientId: 'app', scope: 'a b' }, 60);
    const found = await subject.adapter('ClientCredentials').find(key);
    expect(found).to.include({ jti: key, kind: 'ClientCredentials', clientId: 'app', scope: 'a b', iat: 5 });
    expect(found?.exp).to.be.closeTo(Date.now() / 1000 + 60, 3);
  });

  it('replaces on a second upsert', async () => {
    const key = id();
    await subject.adapter('Session').upsert(key, { uid: id(), state: { secret: 'one' } }, 60);
    await subject.adapter('Session').upsert(key, { uid: id(), state: { secret: 'two' } }, 60);
    expect((await subject.adapter('Session').find(key))?.state).to.deep.equal({ secret: 'two' });
  });

  it('knows nothing of unknown ids, other kinds and other cases', async () => {
    const key = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE';
    await subject.adapter('ClientCredentials').upsert(key, { clientId: 'app' }, 60);
    expect(await subject.adapter('ClientCredentials').find(id())).to.equal(undefined);
    expect(await subject.adapter('RefreshToken').find(key)).to.equal(undefined);
    expect(await subject.adapter('ClientCredentials').find(key.toLowerCase())).to.equal(undefined);
  });

  it('keeps any text and a large payload', async () => {
    const key = id();
    const text = 'tên người dùng 🙂 \u0000 \ud800 "quoted" \\ </script>';
    const params = { state: text, claims: 'x'.repeat(300_000), __proto__odd: { constructor: 'prototype' } };
    await subject.adapter('Interaction').upsert(key, { params } as AdapterPayload, 60);
    expect((await subject.adapter('Interaction').find(key))?.params).to.deep.equal(params);
  });

  it('forgets what has expired', async () => {
    const short = id();
    const long = id();
    await subject.adapter('ClientCredentials').upsert(short, { clientId: 'app' }, 60);
    await subject.adapter('ClientCredentials').upsert(long, { clientId: 'app' }, 600);
    subject.advance(61);
    expect(await subject.adapter('ClientCredentials').find(short)).to.equal(undefined);
    expect(await subject.adapter('ClientCredentials').find(long)).to.not.equal(undefined);
  });

  it('tells an expired device code from an unknown one (RFC 8628 §3.5)', async () => {
    const key = id();
    await subject.adapter('DeviceCode').upsert(key, { clientId: 'app', userCode: 'AAAABBBB' }, 60);
    subject.advance(61);
    expect((await subject.adapter('DeviceCode').find(key))?.exp).to.be.lessThan(Date.now() / 1000);
  });

  it('finds a session by its uid, with a reference that leads back to it', async () => {
    const key = id();
    const uid = id();
    await subject.adapter('Session').upsert(key, { uid, accountId: userId, loginTs: 1 }, 600);
    const found = await subject.adapter('Session').findByUid(uid);
    expect(found).to.include({ uid, accountId: userId });
    expect(found?.jti).to.not.equal(key);
    await subject.adapter('Session').upsert(found?.jti as string, { ...found, acr: 'high' }, 600);
    expect((await subject.adapter('Session').find(key))?.acr).to.equal('high');
    expect(await subject.adapter('Session').findByUid(id())).to.equal(undefined);
  });

  it('gives a session a new id and keeps its uid', async () => {
    const [first, second, uid] = [id(), id(), id()];
    await subject.adapter('Session').upsert(first, { uid, accountId: userId }, 600);
    await subject.adapter('Session').destroy(first);
    await subject.adapter('Session').upsert(second, { uid, accountId: userId }, 600);
    expect(await subject.adapter('Session').find(first)).to.equal(undefined);
    expect((await subject.adapter('Session').find(second))?.accountId).to.equal(userId);
  });

  it('finds a device code by its user code and keeps it findable after a save that does not know the code', async () => {
    const key = id();
    await subject.adapter('DeviceCode').upsert(key, { clientId: 'app', userCode: 'WXYZWXYZ', params: { scope: 'openid' } }, 600);
    const polled = await subject.adapter('DeviceCode').find(key);
    await subject.adapter('DeviceCode').upsert(key, { ...polled, inFlight: true } as AdapterPayload, 600);
    const found = await subject.adapter('DeviceCode').findByUserCode('WXYZWXYZ');
    expect(found).to.include({ userCode: 'WXYZWXYZ', inFlight: true });
    expect(await subject.adapter('DeviceCode').findByUserCode('WXYZWXYY')).to.equal(undefined);
    await subject.adapter('DeviceCode').upsert(found?.jti as string, { ...found, error: 'access_denied' } as AdapterPayload, 600);
    expect((await subject.adapter('DeviceCode').find(key))?.error).to.equal('access_denied');
  });

  it('leads from a token to its grant and session', async () => {
    const [sessionId, uid] = [id(), id()];
    const { tokenId, grantId } = await grantWith('AccessToken', { sessionUid: uid });
    await subject
      .adapter('Session')
      .upsert(sessionId, { uid, accountId: userId, authorizations: { app: { sid: 'sid-1', grantId } } }, 600);
    const token = await subject.adapter('AccessToken').find(tokenId);
    const grant = await subject.adapter('Grant').find(token?.grantId as string);
    const session = await subject.adapter('Session').findByUid(token?.sessionUid as string);
    expect(grant).to.deep.include({ accountId: userId, clientId: 'app', openid: { scope: 'openid' } });
    expect(session?.accountId).to.equal(userId);
    expect(session?.authorizations?.app).to.deep.equal({ sid: 'sid-1', grantId: token?.grantId });
  });

  it('consumes once and says so afterwards', async () => {
    const { tokenId } = await grantWith('AuthorizationCode');
    expect((await subject.adapter('AuthorizationCode').find(tokenId))?.consumed).to.equal(undefined);
    await subject.adapter('AuthorizationCode').consume(tokenId);
    expect((await subject.adapter('AuthorizationCode').find(tokenId))?.consumed).to.be.a('number');
    const second = await subject
      .adapter('AuthorizationCode')
      .consume(tokenId)
      .catch((error: unknown) => error);
    expect(second).to.be.instanceOf(errors.InvalidGrant);
  });

  it('lets one of many parallel consumptions win', async () => {
    const { tokenId } = await grantWith('RefreshToken');
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => subject.adapter('RefreshToken').consume(tokenId)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
  });

  it('tells the loser of a pushed request what the library tells', async () => {
    const key = id();
    await subject.adapter('PushedAuthorizationRequest').upsert(key, { request: 'jwt' } as AdapterPayload, 60);
    await subject.adapter('PushedAuthorizationRequest').consume(key);
    const second = await subject
      .adapter('PushedAuthorizationRequest')
      .consume(key)
      .catch((error: unknown) => error);
    expect(second).to.be.instanceOf(errors.InvalidRequestUri);
  });

  it('claims a replay id once (RFC 9449 §11.1)', async () => {
    const key = id();
    const looks = await Promise.all(Array.from({ length: 10 }, () => subject.adapter('ReplayDetection').find(key)));
    expect(looks.filter((found) => found === undefined)).to.have.length(1);
  });

  it('destroys one, and revokes everything under a grant but nothing else', async () => {
    const mine = await grantWith('RefreshToken');
    const [sibling, other] = [id(), await grantWith('AccessToken')];
    await subject.adapter('AccessToken').upsert(sibling, { accountId: userId, clientId: 'app', grantId: mine.grantId }, 600);
    await subject.adapter('RefreshToken').revokeByGrantId(mine.grantId);
    expect(await subject.adapter('RefreshToken').find(mine.tokenId)).to.equal(undefined);
    expect(await subject.adapter('AccessToken').find(sibling)).to.equal(undefined);
    expect(await subject.adapter('AccessToken').find(other.tokenId)).to.not.equal(undefined);
    await subject.adapter('AccessToken').destroy(other.tokenId);
    expect(await subject.adapter('AccessToken').find(other.tokenId)).to.equal(undefined);
  });

  it('TK-06: a token ends with its grant', async () => {
    const { tokenId, grantId } = await grantWith('AccessToken');
    await subject.adapter('Grant').destroy(grantId);
    expect(await subject.adapter('AccessToken').find(tokenId)).to.equal(undefined);
  });

  it('TK-05: everything ends with its account, and nothing comes back with it', async () => {
    const { tokenId } = await grantWith('AccessToken', {}, otherUserId);
    const users = subject.database.knex('users').where({ id: otherUserId });
    await users.clone().update({ status: 'deactivated', revoked_before: new Date(Date.now() + 86_400_000) });
    expect(await subject.adapter('AccessToken').find(tokenId)).to.equal(undefined);
    await users.clone().update({ status: 'active' });
    expect(await subject.adapter('AccessToken').find(tokenId)).to.equal(undefined);
    await users.clone().update({ revoked_before: null });
    expect(await subject.adapter('AccessToken').find(tokenId)).to.not.equal(undefined);
  });

  it('holds no id that could be presented (DESIGN.md, decision 7)', async () => {
    const [sessionId, uid, interactionId, deviceCode] = [id(), id(), id(), id()];
    const { tokenId, grantId } = await grantWith('AccessToken', { sessionUid: uid });
    await subject.adapter('Session').upsert(sessionId, { uid, accountId: userId, authorizations: { app: { grantId } } }, 600);
    await subject.adapter('DeviceCode').upsert(deviceCode, { clientId: 'app', userCode: 'QRSTQRST' }, 600);
    await subject.adapter('Interaction').upsert(
      interactionId,
      {
        jti: interactionId,
        deviceCode,
        grantId,
        session: { uid, cookie: sessionId, accountId: userId },
        result: { consent: { grantId } },
      } as unknown as AdapterPayload,
      600,
    );
    const dump = await rowsOf();
    for (const secret of [sessionId, uid, interactionId, deviceCode, tokenId, grantId, 'QRSTQRST'])
      expect(dump).to.not.include(secret);
    const found = await subject.adapter('Interaction').find(interactionId);
    const consent = found?.result?.consent as { grantId: string };
    expect(await subject.adapter('Grant').find(consent.grantId)).to.not.equal(undefined);
    expect(await subject.adapter('DeviceCode').find(found?.deviceCode as string)).to.not.equal(undefined);
  });

  it('takes neither a hash out of a dump nor somebody else’s reference for an id', async () => {
    const key = id();
    await subject.adapter('Session').upsert(key, { uid: id(), accountId: userId }, 600);
    const row = await subject.database.knex('oidc_artifacts').where({ kind: 'Session' }).orderBy('created_at', 'desc').first();
    for (const guess of [row.id, `ref:${row.id}`, `ref:${row.id}${row.id}`, `sha256:${row.id}`, row.lookup])
      expect(await subject.adapter('Session').find(guess)).to.equal(undefined);
  });
};
