/**
 * The references of PERFORMANCE.md as a child process: R0, a bare oidc-provider on plain Maps, and RN, the same on the obvious
 * Knex adapter (one find = one query, one upsert = one write). Usage: reference.ts PORT map|knex [DATABASE_URL]
 */
import { generateKeyPairSync } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { type Adapter, type AdapterPayload, type Configuration, Provider } from 'oidc-provider';
import { benchClients, benchResources } from '../world.ts';

const [port = '0', storage = 'map', databaseUrl] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

const mapAdapter = (): ((model: string) => Adapter) => {
  const stored = new Map<string, AdapterPayload>();
  const grants = new Map<string, Set<string>>();
  return (model) => {
    const key = (id: string): string => `${model}:${id}`;
    const byUid = (uid: string): string => `${model}:uid:${uid}`;
    return {
      upsert: async (id, payload) => {
        stored.set(key(id), payload);
        if (payload.uid) stored.set(byUid(payload.uid), payload);
        if (payload.grantId) {
          const members = grants.get(payload.grantId) ?? new Set();
          grants.set(payload.grantId, members.add(key(id)));
        }
      },
      find: async (id) => stored.get(key(id)),
      findByUid: async (uid) => stored.get(byUid(uid)),
      findByUserCode: async () => undefined,
      consume: async (id) => {
        const payload = stored.get(key(id));
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => void stored.delete(key(id)),
      revokeByGrantId: async (grantId) => {
        for (const member of grants.get(grantId) ?? []) stored.delete(member);
        grants.delete(grantId);
      },
    };
  };
};

const knexAdapter = async (url: string): Promise<(model: string) => Adapter> => {
  const knex: Knex = knexFactory({ client: 'pg', connection: url, pool: { min: 0, max: 10 } });
  await knex.raw(`
    create table artifacts (model text, id text, payload jsonb, grant_id text, uid text, consumed_at timestamptz, expires_at timestamptz, primary key (model, id));
    create index artifacts_grant on artifacts (grant_id); create index artifacts_uid on artifacts (model, uid)`);
  for (const client of benchClients(issuer)) {
    await knex('artifacts').insert({ model: 'Client', id: client.client_id, payload: JSON.stringify(client) });
  }
  const row = async (where: object): Promise<AdapterPayload | undefined> => {
    const found = await knex('artifacts').where(where).first();
    if (!found) return undefined;
    return { ...found.payload, ...(found.consumed_at ? { consumed: Math.floor(found.consumed_at.getTime() / 1000) } : {}) };
  };
  return (model) => ({
    upsert: async (id, payload, expiresIn) => {
      const values = {
        model,
        id,
        payload: JSON.stringify(payload),
        grant_id: payload.grantId,
        uid: payload.uid,
        expires_at: expiresIn ? new Date(Date.now() + expiresIn * 1000) : null,
      };
      await knex('artifacts').insert(values).onConflict(['model', 'id']).merge();
    },
    find: (id) => row({ model, id }),
    findByUid: (uid) => row({ model, uid }),
    findByUserCode: async () => undefined,
    consume: async (id) => void (await knex('artifacts').where({ model, id }).update({ consumed_at: new Date() })),
    destroy: async (id) => void (await knex('artifacts').where({ model, id }).delete()),
    revokeByGrantId: async (grantId) => void (await knex('artifacts').where({ grant_id: grantId }).delete()),
  });
};

const privateJwk = (type: 'rsa' | 'ec') => {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: type === 'rsa' ? 'RS256' : 'ES256' };
};

const configuration = (adapter: (model: string) => Adapter): Configuration => ({
  adapter,
  ...(storage === 'map' ? { clients: benchClients(issuer) } : {}),
  jwks: { keys: [privateJwk('rsa'), privateJwk('ec')] } as NonNullable<Configuration['jwks']>,
  cookies: { keys: ['bench'] },
  scopes: ['openid', 'offline_access', 'email', 'bench'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: 'bench@example.test', email_verified: true }),
  }),
  routes: { authorization: '/authorize', introspection: '/introspect', revocation: '/revoke', userinfo: '/userinfo' },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, indicator) => {
        const resource = benchResources.find(({ identifier }) => identifier === indicator);
        const format = resource?.accessTokenFormat ?? 'opaque';
        return {
          scope: 'bench',
          accessTokenTTL: 900,
          accessTokenFormat: format,
          ...(format === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : {}),
        };
      },
    },
  },
  ttl: {
    AccessToken: 900,
    AuthorizationCode: 60,
    ClientCredentials: 900,
    Grant: 604_800,
    IdToken: 900,
    Interaction: 3600,
    RefreshToken: 604_800,
    Session: 604_800,
  },
  rotateRefreshToken: () => true,
  loadExistingGrant: async (ctx) => {
    const { Grant } = ctx.oidc.provider;
    const known = ctx.oidc.session?.grantIdFor(ctx.oidc.client?.clientId ?? '');
    if (known) return await Grant.find(known);
    const grant = new Grant({ accountId: ctx.oidc.session?.accountId ?? '', clientId: ctx.oidc.client?.clientId ?? '' });
    grant.addOIDCScope('openid offline_access email');
    await grant.save();
    return grant;
  },
  interactions: { url: (_ctx, interaction) => `/signin/${interaction.uid}` },
});

const provider = new Provider(issuer, configuration(storage === 'map' ? mapAdapter() : await knexAdapter(databaseUrl ?? '')));
// A person who is always signed in: the bench measures what comes after.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/signin/')) return await next();
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'bench-person' }, consent: {} });
  ctx.respond = false;
});
provider.listen(Number(port), '127.0.0.1', () => process.send?.({ type: 'ready' }));
process.on('message', (message: { type: string }) => {
  if (message.type === 'usage') process.send?.({ type: 'usage', cpu: process.cpuUsage(), rss: process.memoryUsage.rss() });
});
