import { parse } from 'node:querystring';
import type { Client } from 'oidc-provider';
import { Refusal } from '../../platform/errors/index.ts';
import type { DirectRequest } from '../../platform/http/index.ts';
import type { ProtocolLimits } from '../limits/service.ts';
import type { ClientSource } from '../ports.ts';

/** Parameters of a form that has only these, each once and not empty. */
export const formOf = (body: Buffer, names: ReadonlySet<string>): Record<string, string> | undefined => {
  const form = parse(body.toString('utf8'));
  const entries = Object.entries(form);
  const isPlain = entries.every(([name, value]) => names.has(name) && typeof value === 'string' && value !== '');
  return isPlain ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
};

/** RFC 6749 §2.3.1, of what needs no decoding but Base64. */
const credentialsOf = (header: string | undefined): { clientId: string; secret: string } | undefined => {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, clientId, secret] =
    /^([A-Za-z0-9._~-]+):([A-Za-z0-9._~-]+)$/.exec(Buffer.from(encoded, 'base64').toString('latin1')) ?? [];
  return clientId === undefined || secret === undefined ? undefined : { clientId, secret };
};

/** RFC 6750 §2.1, of an opaque token. */
export const opaqueBearer = (header: string | undefined): string | undefined => /^bearer ([\w-]{43})$/i.exec(header ?? '')?.[1];

export const isOpaque = (token: string | undefined): token is string => token !== undefined && /^[\w-]{43}$/.test(token);

export interface ClientProofDeps {
  findClient(clientId: string): Promise<Client | undefined>;
  clients: Pick<ClientSource, 'verifySecret'>;
  limits: Pick<ProtocolLimits, 'checkSecret'>;
}

/** The client that proves itself by `client_secret_basic`; every other way, and every failure, is the core's. */
export const createClientProof = ({ findClient, clients, limits }: ClientProofDeps) => {
  /** CL-06: the core words the refusal. */
  const isLetTry = (clientId: string, ip: string): boolean => {
    try {
      limits.checkSecret(clientId, ip);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  };

  return async ({ headers, ip }: DirectRequest): Promise<Client | undefined> => {
    const given = credentialsOf(headers.authorization);
    if (!given) return undefined;
    const client = await findClient(given.clientId);
    if (client?.clientAuthMethod !== 'client_secret_basic' || client.clientSecretExpiresAt) return undefined;
    if (!isLetTry(client.clientId, ip)) return undefined;
    return (await clients.verifySecret(client.clientId, given.secret)) ? client : undefined;
  };
};

export type ClientProof = ReturnType<typeof createClientProof>;
