import type { SealedColumn } from '../../platform/db/index.ts';

export const factorContext = (deviceId: string): string => `mfa:${deviceId}`;

export const sealedFactors: SealedColumn = {
  table: 'mfa_devices',
  key: 'id',
  column: 'secret_sealed',
  context: factorContext,
};
