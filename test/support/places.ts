import { writeFileSync } from 'node:fs';

/** What the tests need of the MaxMind DB format 2.0: maps, texts, numbers. */
type Value = string | number | { [name: string]: Value };

const control = (type: number, size: number): Buffer => {
  if (size >= 285) throw new Error('too long for a test');
  const [low, more] = size < 29 ? [size, []] : [29, [size - 29]];
  return type > 7 ? Buffer.from([low, type - 7, ...more]) : Buffer.from([(type << 5) | low, ...more]);
};

const encoded = (value: Value): Buffer => {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(2, bytes.length), bytes]);
  }
  if (typeof value === 'object') {
    const pairs = Object.entries(value).flatMap(([name, inner]) => [encoded(name), encoded(inner)]);
    return Buffer.concat([control(7, Object.keys(value).length), ...pairs]);
  }
  const bytes = Buffer.alloc(Number.isInteger(value) ? 4 : 8);
  if (Number.isInteger(value)) bytes.writeUInt32BE(value);
  else bytes.writeDoubleBE(value);
  return Buffer.concat([control(Number.isInteger(value) ? 6 : 3, bytes.length), bytes]);
};

export interface TestPlace {
  /** IPv4: its first octets, `203.0.113`. */
  network: string;
  city: string;
  country: string;
  code: string;
  latitude: number;
  longitude: number;
}

interface Node {
  left?: Node | number;
  right?: Node | number;
}

/** Writes a City database that knows these networks. @see https://maxmind.github.io/MaxMind-DB/ */
export const writePlaces = (file: string, places: readonly TestPlace[]): void => {
  const data: Buffer[] = [];
  let dataLength = 0;
  const root: Node = {};
  for (const { network, city, country, code, latitude, longitude } of places) {
    const record = encoded({
      city: { names: { en: city } },
      country: { iso_code: code, names: { en: country } },
      location: { latitude: latitude + 1e-6, longitude: longitude + 1e-6 },
    });
    const bits = network
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('');
    let node = root;
    for (const [index, bit] of [...bits].entries()) {
      const side = bit === '0' ? 'left' : 'right';
      if (index === bits.length - 1) node[side] = dataLength;
      else {
        const next = node[side];
        node[side] = typeof next === 'object' ? next : {};
        node = node[side] as Node;
      }
    }
    data.push(record);
    dataLength += record.length;
  }
  const nodes: Node[] = [];
  const number = new Map<Node, number>();
  const visit = (node: Node): void => {
    number.set(node, nodes.length);
    nodes.push(node);
    for (const side of [node.left, node.right]) if (typeof side === 'object') visit(side);
  };
  visit(root);
  const tree = Buffer.alloc(nodes.length * 8);
  const pointer = (side: Node | number | undefined): number => {
    if (side === undefined) return nodes.length;
    return typeof side === 'number' ? nodes.length + 16 + side : (number.get(side) ?? 0);
  };
  for (const [index, { left, right }] of nodes.entries()) {
    tree.writeUInt32BE(pointer(left), index * 8);
    tree.writeUInt32BE(pointer(right), index * 8 + 4);
  }
  const metadata = encoded({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test-City',
    description: { en: 'of a test' },
    ip_version: 4,
    node_count: nodes.length,
    record_size: 32,
  });
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  writeFileSync(file, Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]));
};
