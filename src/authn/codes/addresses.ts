import type { Accounts } from '../../identity/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { DeviceRepository, DeviceRow } from '../factors/repository.ts';
import { factorContext } from '../factors/sealed.ts';

/** Ways by which a code is sent (FEATURES A8). */
export type SentMethod = 'email' | 'sms';
export const sentMethods: readonly SentMethod[] = ['email', 'sms'];

/** Enough for its owner to know it, not for anybody else. */
export const hintOf = (method: SentMethod, address: string): string =>
  method === 'sms' ? `••• ${address.slice(-3)}` : address.replace(/^(.)[^@]*/u, '$1•••');

export interface AddressDeps {
  accounts: Pick<Accounts, 'find'>;
  devices: Pick<DeviceRepository, 'active'>;
  envelope: Pick<Envelope, 'open'>;
}

/** Where codes of an account go: RS-02, only to what is stored and was confirmed. */
export const createCodeAddresses = ({ accounts, devices, envelope }: AddressDeps) => {
  const phoneOf = ({ id, secret_sealed: sealed }: Pick<DeviceRow, 'id' | 'secret_sealed'>): string =>
    envelope.open(sealed ?? '', factorContext(id));

  const email = async (accountId: string): Promise<string | undefined> => {
    const claims = (await accounts.find(accountId))?.claims;
    return claims?.email_verified === true && typeof claims.email === 'string' ? claims.email : undefined;
  };

  const addressOf = async (accountId: string, method: SentMethod): Promise<string | undefined> => {
    if (method === 'email') return email(accountId);
    const device = (await devices.active(accountId)).find(({ kind }) => kind === 'sms');
    return device && phoneOf(device);
  };

  return {
    email,
    phoneOf,
    addressOf,
    /** Enough of where codes go for the person to know it. */
    hintFor: async (accountId: string, method: SentMethod): Promise<string | undefined> => {
      const address = await addressOf(accountId, method);
      return address && hintOf(method, address);
    },
    localeOf: async (accountId: string): Promise<string | undefined> => {
      const locale = (await accounts.find(accountId))?.claims.locale;
      return typeof locale === 'string' ? locale : undefined;
    },
  };
};

export type CodeAddresses = ReturnType<typeof createCodeAddresses>;
