import { expect } from 'chai';
import { type Call, callerWith, enforcer, machineToken } from '../support/callers.ts';
import { eventually, type Fleet, startFleet } from '../support/processes.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { describeWith } from '../support/services.ts';
import { createDice } from './worlds.ts';

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
    const ask = async (action: string, id?: string, replica = 1): Promise<boolean> => {
      const resource = { type: 'parcels', ...(id !== undefined && { id }) };
      const { status, json } = await machine('POST', '/authz/check', { subject: { id: userId }, action, resource }, on(replica));
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

    it('RC-03 after changes at the same moment on both, both go by the last that committed', async function concurrent() {
      this.timeout(60_000);
      const dice = createDice(20_261_201);
      const [roles, permissions] = [`/rbac/users/${userId}/roles`, `/rbac/users/${userId}/permissions`];
      const own = `${permissions}/${encodeURIComponent('parcels:fly:any')}`;
      await change('POST', '/rbac/roles', { name: 'pilot', permissions: ['parcels:fly:any'], createPermissions: true });
      const changes: [string, string, unknown?][] = [
        ['POST', roles, { role: 'pilot' }],
        ['DELETE', `${roles}/pilot`],
        ['POST', permissions, { permission: 'parcels:fly:any' }],
        ['DELETE', own],
        ['POST', permissions, { permission: 'parcels:fly:any', effect: 'deny' }],
      ];
      const seen = new Set<boolean>();
      for (let round = 0; round < 40; round += 1) {
        const answers = Array.from({ length: 1 + dice.number(3) }, () => {
          const [method, path, body] = dice.one(changes);
          return root(method, path, body, on(dice.number(2)));
        });
        // Loads that run while it changes.
        const meanwhile = [0, 1, 0, 1].map((replica) => ask('fly', undefined, replica));
        for (const { status } of await Promise.all(answers)) expect(status).to.be.below(500).and.not.equal(400);
        await Promise.all(meanwhile);
        // Read from the database, by no cache.
        const held: { role: { name: string } }[] = (await root('GET', roles, undefined, on(0))).json.items;
        const direct: { permission: string; effect: string }[] = (await root('GET', permissions, undefined, on(0))).json.items;
        const effects = direct.filter(({ permission }) => permission === 'parcels:fly:any').map(({ effect }) => effect);
        const allowed =
          !effects.includes('deny') && (effects.includes('allow') || held.some(({ role }) => role.name === 'pilot'));
        seen.add(allowed);
        for (const replica of [0, 1]) {
          const told = await eventually(
            () => ask('fly', undefined, replica),
            (value) => value === allowed,
          );
          expect(told, `round ${round}, replica ${replica}`).to.equal(allowed);
        }
      }
      expect(seen.size, 'both came about').to.equal(2);
    });

    if (!withRedis) {
      it('RC-07 of two who demote or deactivate each other at the same moment, on two replicas, one stays', async function two() {
        this.timeout(60_000);
        const everybody = [fleet.administrator, fleet.person];
        const enter = async (index: number): Promise<Call> => {
          const { login: email, password } = everybody[index] ?? fleet.person;
          const { json } = await callerWith(fleet, undefined)('POST', '/auth/login', { email, password }, on(0));
          ids[index] = json.user.id;
          return callerWith(fleet, json.accessToken);
        };
        const ids: string[] = [];
        const calls = [await enter(0), await enter(1)];
        const isIn = async (by: Call | undefined, index: number): Promise<boolean> =>
          (await by?.('GET', `/rbac/users/${ids[index]}/roles`, undefined, on(index)))?.json.items?.some(
            ({ role }: { role: { name: string } }) => role.name === 'SUPER_ADMIN',
          ) === true;
        let survivor = 0;
        for (let round = 0; round < 10; round += 1) {
          const other = 1 - survivor;
          const isByStatus = round % 4 === 3;
          const at = (index: number): string =>
            isByStatus ? `/identity/users/${ids[index]}/deactivate` : `/rbac/users/${ids[index]}/roles/SUPER_ADMIN`;
          await calls[survivor]?.('POST', `/rbac/users/${ids[other]}/roles`, { role: 'SUPER_ADMIN' }, on(survivor));
          expect(await isIn(calls[survivor], other), `round ${round}`).to.equal(true);
          await eventually(
            () => calls[other]?.('GET', '/rbac/roles?limit=1', undefined, on(other)) as ReturnType<Call>,
            ({ status }) => status === 200,
          );
          const method = isByStatus ? 'POST' : 'DELETE';
          const answers = await Promise.all(
            [0, 1].map((index) => calls[index]?.(method, at(1 - index), isByStatus ? {} : undefined, on(index))),
          );
          const done = answers.flatMap((answer, index) => (answer && answer.status < 300 ? [index] : []));
          expect(done, `round ${round}: ${answers.map((answer) => answer?.status)}`).to.have.length(1);
          survivor = done[0] as number;
          if (!isByStatus) continue;
          expect(
            (await calls[survivor]?.('POST', `/identity/users/${ids[1 - survivor]}/reactivate`, {}, on(survivor)))?.status,
          ).to.equal(200);
          calls[1 - survivor] = await enter(1 - survivor);
        }
        // What follows is the administrator's.
        await calls[survivor]?.('POST', `/rbac/users/${ids[0]}/roles`, { role: 'SUPER_ADMIN' }, on(survivor));
        if (survivor === 1) await calls[0]?.('DELETE', `/rbac/users/${ids[1]}/roles/SUPER_ADMIN`, undefined, on(0));
      });
    }

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
