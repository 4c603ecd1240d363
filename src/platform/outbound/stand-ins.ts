import type { Config } from '../config/index.ts';
import type { Clock } from '../ports.ts';
import { createOutbound, type Outbound } from './guarded.ts';

interface StandInDeps {
  config: Pick<Config, 'outboundAllow'>;
  clock: Clock;
  /** For everybody else. */
  outbound: Outbound;
}

/** Calls to a stand-in that the operator named in a setting: its host is allowed as if it stood in OUTBOUND_ALLOW, for it alone. */
export const createStandInOutbound = ({ config, clock, outbound }: StandInDeps): ((address: string | undefined) => Outbound) => {
  const known = new Map<string, Outbound>();
  return (address) => {
    if (address === undefined) return outbound;
    const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
    const { hosts, networks } = config.outboundAllow;
    const own = known.get(host) ?? createOutbound({ config: { outboundAllow: { hosts: [...hosts, host], networks } }, clock });
    known.set(host, own);
    return own;
  };
};
