import type { Client } from 'oidc-provider';
import type { ResourceSource } from '../ports.ts';

export interface IntrospectedToken {
  kind: string;
  clientId: string | undefined;
  audience: string | undefined;
}

/** TK-07: who may know. @returns false also for public clients, which prove nothing about themselves */
export const createIntrospectionPolicy =
  (resources: Pick<ResourceSource, 'find'>) =>
  async (caller: Client, { kind, clientId, audience }: IntrospectedToken): Promise<boolean> => {
    if (caller.clientAuthMethod === 'none') return false;
    if (clientId === caller.clientId) return true;
    if (kind === 'RefreshToken') return false;
    if (audience === undefined) return true;
    return (await resources.find(audience))?.introspectionClients.includes(caller.clientId) === true;
  };

export type IntrospectionPolicy = ReturnType<typeof createIntrospectionPolicy>;
