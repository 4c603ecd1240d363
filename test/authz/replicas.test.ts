import { expect } from 'chai';
import { type Call, callerWith, enforcer, machineToken } from '../support/callers.ts';
import { eventually, type Fleet, startFleet } from '../support/processes.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { describeWith } from '../support/services.ts';

const on = (replica: number) => ({ 'x-replica': String(replica) });

/** What one replica changes, seen by the other: caches live 60 s, so that a sight within 15 s has been told. */
const describeVisibility = (title: string, needs: ('postgres' | 'redis')[], withRedis: boolean): void =>
  describeWith(needs, title, () => {
    let fleet: Fleet;
    let redis: OwnRedis | undefined;
    let root: Call;
    let machine: Call;
    let userId: string;

    const change = async (method: string, path: string, body?: unknown): Promise<{ id: string }> => {
      const { status, json } = await root(method, path, body, on(0));
      expect(status, `${path} ${JSON.stringify(json)}`).to.be.below(300);
      return json;
    };
    const ask = async (action: string, id?: string): Promise<boolean> => {
      const resource = { type: 'parcels', ...(id !== undefined && { id }) };
      const { status, json } = await machine('POST', '/authz/check', { subject: { id: userId }, action, resource }, on(1));
      expect(status).to.equal(200);
      return json.allowed;
    };
    const sees = async (action: string, allowed: boolean, id?: string): Promise<void> => {
      const seen = await eventually(
        () => ask(action, id),
        (value) => value === allowed,
      );
      expect(seen, `${action} ${id ?? ''}`).to.equal(allowed);
    };

    before(async function start() {
      this.timeout(120_000);
      redis = withRedis ? await startRedis() : undefined;
      fleet = await startFleet({ bootstrap: { clients: [enforcer] }, env: redis ? { REDIS_URL: redis.url } : {} });
      const api = callerWith(fleet, undefined);
      const { administrator, person } = fleet;
      const login = async (who: typeof person) =>
        (await api('POST', '/auth/login', { email: who.login, password: who.password }, on(0))).json;
      root = callerWith(fleet, (await login(administrator)).accessToken);
      userId = (await login(person)).user.id;
      machine = callerWith(fleet, await machineToken(fleet));
      await change('POST', '/rbac/roles', { name: 'courier', permissions: ['parcels:carry:any'], createPermissions: true });
    });
    after(async () => {
      await fleet?.close();
      await redis?.stop();
      redis?.remove();
    });

    it('Z8 a role given and taken', async () => {
      await sees('carry', false);
      await change('POST', `/rbac/users/${userId}/roles`, { role: 'courier' });
      await sees('carry', true);
      await change('DELETE', `/rbac/users/${userId}/roles/courier`);
      await sees('carry', false);
    });

    it('Z8 what a role holds, and what its parents hold', async () => {
      await change('POST', `/rbac/users/${userId}/roles`, { role: 'courier' });
      await sees('carry', true);
      const parent = await change('POST', '/rbac/roles', {
        name: 'driver',
        permissions: ['parcels:drive:any'],
        createPermissions: true,
      });
      const permissions = ['parcels:carry:any'];
      await sees('drive', false);
      const { items } = (await root('GET', '/rbac/roles?limit=100', undefined, on(0))).json;
      const { id } = items.find(({ name }: { name: string }) => name === 'courier');
      const replace = async (body: unknown): Promise<void> => {
        const etag = (await root('GET', `/rbac/roles/${id}`, undefined, on(0))).headers.get('etag') ?? '';
        expect((await root('PUT', `/rbac/roles/${id}`, body, { ...on(0), 'if-match': etag })).status).to.equal(200);
      };
      await replace({ name: 'courier', permissions, parents: [parent.id] });
      await sees('drive', true);
      await replace({ name: 'courier', permissions: [] });
      await sees('drive', false);
      await sees('carry', false);
    });

    it('Z8 a direct permission and a direct denial', async () => {
      await change('POST', `/rbac/users/${userId}/permissions`, { permission: 'parcels:drive:any' });
      await sees('drive', true);
      await change('POST', `/rbac/users/${userId}/permissions`, { permission: 'parcels:*:any', effect: 'deny' });
      await sees('drive', false);
      await change('DELETE', `/rbac/users/${userId}/permissions/${encodeURIComponent('parcels:*:any')}`);
      await sees('drive', true);
    });

    it('Z8 a policy in force and out of it', async () => {
      const { id } = await change('POST', '/authz/policies', {
        name: 'strike',
        effect: 'deny',
        target: { resources: ['parcels'] },
        condition: true,
      });
      await sees('drive', true);
      await change('POST', `/authz/policies/${id}/activate`, {});
      await sees('drive', false);
      await change('POST', `/authz/policies/${id}/archive`, {});
      await sees('drive', true);
    });

    it('Z8 whose an object is', async () => {
      await change('POST', '/rbac/roles', { name: 'recipient', permissions: ['parcels:open:own'], createPermissions: true });
      await change('POST', `/rbac/users/${userId}/roles`, { role: 'recipient' });
      await sees('open', false, 'p-1');
      const put = (ownerId: string) =>
        change('PUT', '/authz/entities', { entities: [{ type: 'parcels', id: 'p-1', attributes: { ownerId } }] });
      await put(userId);
      await sees('open', true, 'p-1');
      await put('somebody');
      await sees('open', false, 'p-1');
    });

    if (withRedis) {
      it('Z8 F-03 with Redis gone amid it', async function withoutRedis() {
        this.timeout(60_000);
        await sees('drive', true);
        await redis?.stop();
        await change('DELETE', `/rbac/users/${userId}/permissions/${encodeURIComponent('parcels:drive:any')}`);
        await sees('drive', false);
        await redis?.start();
        await change('POST', `/rbac/users/${userId}/permissions`, { permission: 'parcels:drive:any' });
        await sees('drive', true);
      });
    }
  });

describeVisibility('Z8 RC-04 changes of rights on two replicas, told by LISTEN/NOTIFY', ['postgres'], false);
describeVisibility('Z8 RC-04 changes of rights on two replicas, told by Redis', ['postgres', 'redis'], true);
