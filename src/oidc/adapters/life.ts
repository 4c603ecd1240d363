import type { Clock } from '../../platform/ports.ts';
import type { ClientSource } from '../ports.ts';
import type { Facts } from './facts.ts';
import type { ArtifactRow } from './rows.ts';
import { currentUnit } from './unit.ts';

/** A device code past its end is still told apart from an unknown one (RFC 8628 §3.5). */
const readableAfterExpiry = new Set(['DeviceCode', 'BackchannelAuthenticationRequest']);

/** Ending every session is no withdrawal of consent. */
const survivesRevocation = new Set(['Consent']);
/** Nor does a client that registered itself lose the one way it has to manage itself (RFC 7592) with what others were given. */
const survivesEverything = new Set([...survivesRevocation, 'RegistrationAccessToken']);

export interface LifeDeps {
  clients: Pick<ClientSource, 'find'>;
  clock: Clock;
}

/** P3: whether an artifact still counts; decided here for every kind, so that no endpoint can forget it. */
export const createLifeCheck = ({ clients, clock }: LifeDeps) => {
  const isExpired = ({ kind, expiresAt }: ArtifactRow): boolean =>
    expiresAt !== null && expiresAt <= clock.now() && !readableAfterExpiry.has(kind);

  /** TK-10: of all moments that apply, whichever are set and in whatever order they came, the latest decides; so each may refuse. */
  const isAfter = (moment: Date | null | undefined, { row, grant }: Pick<Facts, 'row' | 'grant'>): boolean =>
    moment === null || moment === undefined || (grant ?? row).createdAt > moment;

  /** TK-05, TK-10: an account that is not active, or an ending that came after, takes everything with it. */
  const accountAllows = (facts: Facts): boolean => {
    const { row, account, device } = facts;
    if (device?.endedAt && row.sessionUid !== null) return false;
    if (row.accountId === null) return true;
    if (account?.status !== 'active') return false;
    return survivesRevocation.has(row.kind) || isAfter(account.revokedBefore, facts);
  };

  const deploymentAllows = (facts: Facts): boolean =>
    survivesEverything.has(facts.row.kind) || isAfter(facts.revokedBefore, facts);

  const clientAllows = async (facts: Facts): Promise<boolean> => {
    const { clientId } = facts.row;
    if (clientId === null) return true;
    const client = await clients.find(clientId);
    return client !== undefined && isAfter(client.revokedBefore, facts);
  };

  const isAlive = async (facts: Facts): Promise<boolean> => {
    const { row, grant } = facts;
    if (isExpired(row) || currentUnit()?.isGone(row)) return false;
    if (row.grantId !== null && (!grant || isExpired(grant) || currentUnit()?.isGone(grant))) return false;
    return deploymentAllows(facts) && accountAllows(facts) && (await clientAllows(facts));
  };

  const isSessionAlive = (facts: Facts): boolean => {
    const { row, session } = facts;
    if (!session || isExpired(session) || session.accountId !== row.accountId) return false;
    const own = { ...facts, row: session, grant: undefined, session: undefined };
    return deploymentAllows(own) && accountAllows(own);
  };

  return {
    isAlive,
    /** A token that ends with its session needs that alive as well (the library asks the same of opaque ones). */
    isAliveWithSession: async (facts: Facts): Promise<boolean> =>
      (await isAlive(facts)) && (facts.row.payload.expiresWithSession !== true || isSessionAlive(facts)),
  };
};
