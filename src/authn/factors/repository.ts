import type { Knex } from 'knex';

export type DeviceKind = 'totp' | 'webauthn' | 'sms' | 'email';

export interface DeviceRow {
  id: string;
  user_id: string;
  kind: DeviceKind;
  name: string;
  state: 'pending' | 'active';
  secret_sealed: string | null;
  last_step: string | null;
  credential_id: string | null;
  public_key: string | null;
  sign_count: string | null;
  transports: string[] | null;
  aaguid: string | null;
  is_backup_eligible: boolean | null;
  is_backed_up: boolean | null;
  created_at: Date;
  activated_at: Date | null;
  last_used_at: Date | null;
}

export type NewDevice = Pick<DeviceRow, 'id' | 'user_id' | 'kind' | 'name' | 'state'> &
  Partial<Omit<DeviceRow, 'transports'>> & { transports?: string };

export interface DeviceRepository {
  active(userId: string): Promise<DeviceRow[]>;
  find(userId: string, id: string): Promise<DeviceRow | undefined>;
  pending(userId: string, kind: DeviceKind): Promise<DeviceRow | undefined>;
  /** A pending device takes the place of the one before it. */
  insert(device: NewDevice, now: Date): Promise<void>;
  /** False when the credential is known already, to anybody. */
  insertCredential(device: NewDevice, now: Date): Promise<boolean>;
  /** Pending to active, once. */
  activate(id: string, lastStep: number | undefined, now: Date): Promise<boolean>;
  /** MF-01: spends a time step; false when it, or a later one, is spent already. */
  spendStep(id: string, step: number, now: Date): Promise<boolean>;
  used(id: string, now: Date): Promise<void>;
  rename(userId: string, id: string, name: string): Promise<boolean>;
  remove(userId: string, id: string): Promise<boolean>;
  byCredential(credentialId: string): Promise<DeviceRow | undefined>;
  /** The new counter and backup state, if the counter is still the one that was compared with. */
  signed(id: string, change: { before: number; signCount: number; isBackedUp: boolean }, now: Date): Promise<boolean>;
  /** Holds what a person has as factors still until the transaction ends. */
  lock(userId: string): Promise<void>;
}

export const createDeviceRepository = (db: Knex): DeviceRepository => ({
  active: (userId) => db('mfa_devices').where({ user_id: userId, state: 'active' }).orderBy('id'),
  find: (userId, id) => db('mfa_devices').where({ user_id: userId, id }).first(),
  pending: (userId, kind) => db('mfa_devices').where({ user_id: userId, kind, state: 'pending' }).first(),
  insert: async (device, now) => {
    const { user_id: userId, kind, state } = device;
    if (state === 'pending') await db('mfa_devices').where({ user_id: userId, kind, state }).delete();
    await db('mfa_devices').insert({ ...device, created_at: now, activated_at: state === 'active' ? now : null });
  },
  insertCredential: async (device, now) => {
    const row = { ...device, created_at: now, activated_at: now };
    return (await db('mfa_devices').insert(row).onConflict('credential_id').ignore().returning('id')).length === 1;
  },
  activate: async (id, lastStep, now) => {
    const change = { state: 'active', activated_at: now, ...(lastStep === undefined ? {} : { last_step: lastStep }) };
    return (await db('mfa_devices').where({ id, state: 'pending' }).update(change)) === 1;
  },
  spendStep: async (id, step, now) => {
    const unspent = db('mfa_devices')
      .where({ id, state: 'active' })
      .andWhere((query) => void query.whereNull('last_step').orWhere('last_step', '<', step));
    return (await unspent.update({ last_step: step, last_used_at: now })) === 1;
  },
  used: async (id, now) => void (await db('mfa_devices').where({ id }).update({ last_used_at: now })),
  rename: async (userId, id, name) => (await db('mfa_devices').where({ user_id: userId, id }).update({ name })) === 1,
  remove: async (userId, id) => (await db('mfa_devices').where({ user_id: userId, id }).delete()) === 1,
  byCredential: (credentialId) => db('mfa_devices').where({ credential_id: credentialId, state: 'active' }).first(),
  signed: async (id, { before, signCount, isBackedUp }, now) => {
    const change = { sign_count: signCount, is_backed_up: isBackedUp, last_used_at: now };
    return (await db('mfa_devices').where({ id, sign_count: before }).update(change)) === 1;
  },
  lock: async (userId) => void (await db('users').where({ id: userId }).forUpdate().first('id')),
});
