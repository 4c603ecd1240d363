import { BlockList, isIP } from 'node:net';

/** A set of addresses and CIDRs. */
export interface Networks {
  has(address: string): boolean;
  readonly isEmpty: boolean;
  readonly coversEverything: boolean;
}

const unmapped = (address: string): string =>
  address.toLowerCase().startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;

interface Subnet {
  address: string;
  bits: number;
  family: 'ipv4' | 'ipv6';
}

const familyOf = (address: string): Subnet['family'] => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

const parseSubnet = (entry: string): Subnet | undefined => {
  const [address = '', prefix] = entry.split('/');
  if (isIP(address) === 0) return undefined;
  const family = familyOf(address);
  const widest = family === 'ipv6' ? 128 : 32;
  if (prefix === undefined) return { address, bits: widest, family };
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.POSITIVE_INFINITY;
  return bits <= widest ? { address, bits, family } : undefined;
};

/** @returns the networks and the entries that are neither an address nor a CIDR */
export const parseNetworks = (entries: readonly string[]): { networks: Networks; invalid: string[] } => {
  const list = new BlockList();
  const subnets = entries.map(parseSubnet);
  for (const subnet of subnets) if (subnet) list.addSubnet(subnet.address, subnet.bits, subnet.family);
  const networks = {
    has: (candidate: string): boolean => {
      const address = unmapped(candidate);
      return isIP(address) !== 0 && list.check(address, familyOf(address));
    },
    isEmpty: entries.length === 0,
    coversEverything: subnets.some((subnet) => subnet?.bits === 0),
  };
  return { networks, invalid: entries.filter((_, index) => subnets[index] === undefined) };
};
