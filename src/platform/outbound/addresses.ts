import { BlockList, isIP } from 'node:net';

/** IANA special-purpose registries (RFC 6890 and updates): nothing of these is a public service. */
const special: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

const publicV6 = new BlockList();
publicV6.addSubnet('2000::', 3, 'ipv6');

const notPublic = new BlockList();
for (const [address, bits] of special) notPublic.addSubnet(address, bits, 'ipv4');
// Within 2000::/3: Teredo and other protocol assignments, documentation, 6to4, AS112.
for (const [address, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const) {
  notPublic.addSubnet(address, bits, 'ipv6');
}

/** SF-05: judged on the parsed address; an IPv6 address that embeds IPv4 lies outside 2000::/3 or in a refused range. */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, 'ipv4');
  if (family === 6) return publicV6.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
  return false;
};
