/** What is left of a condition once everything but the object is known (FEATURES Z9). */
import type { PolicyData } from '../pdp/decide.ts';
import { compileCondition } from './language.ts';

/** A part that cannot be computed, because an attribute is missing. */
const unknown: unique symbol = Symbol('unknown');
type Node = unknown;

const isOperation = (node: Node): node is Record<string, unknown> =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

const pathOf = (operand: unknown): string => String(Array.isArray(operand) ? operand[0] : operand);

const mentions = (node: Node, isOpen: (path: string) => boolean): boolean => {
  if (Array.isArray(node)) return node.some((part) => mentions(part, isOpen));
  if (!isOperation(node)) return false;
  return Object.entries(node).some(([operator, operand]) =>
    operator === 'var' ? isOpen(pathOf(operand)) : mentions(operand, isOpen),
  );
};

const valueAt = (data: PolicyData, operand: unknown): Node => {
  const names = pathOf(operand).split('.');
  let value: unknown = data;
  for (const name of names) value = isOperation(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  const fallback = Array.isArray(operand) ? operand[1] : undefined;
  return value ?? fallback ?? unknown;
};

const truth = (condition: Node, data: PolicyData): Node => {
  try {
    return compileCondition(condition)(data);
  } catch {
    return unknown;
  }
};

export const and = (parts: readonly Node[]): Node => {
  const open = parts.filter((part) => part !== true);
  if (open.includes(false)) return false;
  return open.length === 0 ? true : open.length === 1 ? open[0] : { and: open };
};

export const or = (parts: readonly Node[]): Node => {
  const open = parts.filter((part) => part !== false);
  if (open.includes(true)) return true;
  return open.length === 0 ? false : open.length === 1 ? open[0] : { or: open };
};

export const not = (part: Node): Node => (typeof part === 'boolean' ? !part : { '!': [part] });

/** In order, as conditions are computed: what comes before a part that cannot be computed may settle it. */
const junction = (operands: readonly Node[], settles: boolean, join: (parts: readonly Node[]) => Node): Node => {
  const failed = operands.indexOf(unknown);
  const before = failed < 0 ? operands : operands.slice(0, failed);
  return failed < 0 || before.includes(settles) ? join(before) : unknown;
};

const logical: Record<string, (operands: readonly Node[]) => Node> = {
  and: (operands) => junction(operands, false, and),
  or: (operands) => junction(operands, true, or),
  '!': ([part]) => (part === unknown ? unknown : not(part)),
};
const quantifiers = new Set(['all', 'some', 'none']);

interface Known {
  data: PolicyData;
  /** Paths of the object that are not known. */
  isOpen(path: string): boolean;
}

const reduce = (node: Node, known: Known): Node => {
  if (Array.isArray(node)) {
    const parts = node.map((part) => reduce(part, known));
    return parts.includes(unknown) ? unknown : parts;
  }
  const [entry] = isOperation(node) ? Object.entries(node) : [];
  return entry ? operation(entry, node, known) : node;
};

const operation = ([operator, operand]: [string, unknown], node: Node, known: Known): Node => {
  if (operator === 'var') return known.isOpen(pathOf(operand)) ? node : valueAt(known.data, operand);
  const own = Array.isArray(operand) ? operand : [operand];
  // Within a quantifier names are those of the item.
  if (quantifiers.has(operator)) {
    const list = reduce(own[0], known);
    return list === unknown ? unknown : { [operator]: [list, own[1]] };
  }
  const operands = own.map((part) => reduce(part, known));
  const join = logical[operator];
  if (join) return join(operands.map((part) => settled(part, known)));
  return operands.includes(unknown) ? unknown : { [operator]: operands };
};

/** A part that speaks of nothing open is true or false now. */
const settled = (part: Node, known: Known): Node =>
  isOperation(part) && !mentions(part, known.isOpen) ? truth(part, known.data) : part;

/** Attributes of the object without which the condition cannot be computed; one that is compared with null may be absent. */
export const requiredOf = (node: unknown, isOpen: (path: string) => boolean): string[] => {
  if (Array.isArray(node)) return node.flatMap((part) => requiredOf(part, isOpen));
  if (!isOperation(node)) return [];
  return Object.entries(node).flatMap(([operator, operand]) => {
    const own: unknown[] = Array.isArray(operand) ? operand : [operand];
    if (operator === 'var') return own.map(String).filter((path) => own.length === 1 && isOpen(path));
    if (/^[!=]=/.test(operator) && own.includes(null)) return [];
    return requiredOf(quantifiers.has(operator) ? own[0] : own, isOpen);
  });
};

/** @returns a condition over the object alone, `true` or `false`; `undefined` where it cannot be computed whatever the object */
export const residualOf = (condition: unknown, data: PolicyData, isOpen: (path: string) => boolean): unknown => {
  const known = { data, isOpen };
  const result = settled(reduce(condition, known), known);
  return result === unknown ? undefined : result;
};
