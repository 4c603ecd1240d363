import { expect } from 'chai';
import { openRooms, type Rooms } from '../../src/app.ts';
import { createPeople } from '../../src/people.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { openTestDatabase } from '../support/database.ts';

describe('I1 the first administrator', () => {
  const config = loadConfig({ env: { DATA_DIR: ':memory:', LOG_LEVEL: 'silent' }, cwd: '/' });
  const nothing = { clients: [], resources: [], users: [], organizations: [] };
  let rooms: Rooms;

  before(async () => {
    rooms = await openRooms(config, { database: await openTestDatabase(), passwordCost: 4 });
    await rooms.authz.seed([]);
  });
  after(() => rooms.close());

  it('F-11 is there with the role or not at all: a start that ends between the two is made up for by the next', async () => {
    const dying = { ...rooms.authz, assignAsSystem: () => Promise.reject(new Error('the process ends here')) };
    const first = await createPeople({ ...rooms, authz: dying }, config, nothing).catch((error: Error) => error);
    expect(first).to.have.property('message', 'the process ends here');
    expect(await rooms.accounts.isEmpty()).to.equal(true);

    const { firstAdministrator } = await createPeople(rooms, config, nothing);
    expect(firstAdministrator?.password).to.be.a('string');
    const id = (await rooms.accounts.idOf(config.bootstrapAdmin.email)) ?? '';
    expect(await rooms.authz.rolesOf({ type: 'user', id })).to.include('SUPER_ADMIN');
    expect((await createPeople(rooms, config, nothing)).firstAdministrator).to.equal(undefined);
  });
});
