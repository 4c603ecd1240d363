import { isIPv6 } from 'node:net';

const ipv4Network = (ip: string): string => ip.split('.').slice(0, 3).join('.');

/** A11: IPv4 counts by its /24, IPv6 by its /64, which one customer has to itself. */
export const networkOf = (ip: string): string => {
  if (!isIPv6(ip)) return ipv4Network(ip);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1]) return ipv4Network(mapped[1]);
  const [head = '', tail] = ip.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...gap, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
};
