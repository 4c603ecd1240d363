/**
 * Conditions: JSON Logic, a closed part of it, stricter than the original (AZ-07). An attribute that is missing makes the condition
 * fail instead of counting as null; numbers are not made of text; equality is strict. What is written is checked before it is
 * compiled, so that its cost is bounded: no operator repeats another, and lists end at a thousand.
 */
import { LogicEngine } from 'json-logic-engine';
import type { FieldError } from '../../platform/errors/index.ts';
import type { PolicyData } from '../pdp/decide.ts';

export type Condition = (data: PolicyData) => boolean;

const maxDepth = 20;
const maxNodes = 500;
const maxList = 1000;
const maxText = 1000;

class ConditionFault extends Error {}

const fail = (message: string): never => {
  throw new ConditionFault(message);
};

const numbers = (values: unknown[]): number[] =>
  values.map((value) => (typeof value === 'number' && Number.isFinite(value) ? value : fail('a number is needed')));

/** Between neighbours: `{"<": [1, x, 10]}`. */
const ordered = (isInOrder: (a: number | string, b: number | string) => boolean) => (values: unknown[]) =>
  values.slice(1).every((value, index) => {
    const before = values[index];
    const isComparable = typeof before === typeof value && (typeof value === 'number' || typeof value === 'string');
    return isComparable ? isInOrder(before as number, value as number) : fail('only numbers, or texts, can be compared');
  });

const strict: Record<string, (values: unknown[]) => unknown> = {
  required: ([value]) => value ?? fail('an attribute is missing'),
  list: ([value]) => (Array.isArray(value) && value.length <= maxList ? value : fail('a list of at most a thousand is needed')),
  equal: ([a, b]) => a === b,
  unequal: ([a, b]) => a !== b,
  less: ordered((a, b) => a < b),
  atMost: ordered((a, b) => a <= b),
  greater: ordered((a, b) => a > b),
  atLeast: ordered((a, b) => a >= b),
  within: ([part, whole]) => {
    if (Array.isArray(whole) && whole.length <= maxList) return whole.includes(part);
    return typeof whole === 'string' && typeof part === 'string' ? whole.includes(part) : fail('a list or text is needed');
  },
  plus: (values) => numbers(values).reduce((sum, value) => sum + value, 0),
  minus: (values) => {
    const [first = 0, ...rest] = numbers(values);
    return rest.length === 0 ? -first : rest.reduce((difference, value) => difference - value, first);
  },
  times: (values) => numbers(values).reduce((product, value) => product * value, 1),
  over: (values) => numbers(values).reduce((quotient, value) => quotient / value),
  modulo: (values) => numbers(values).reduce((rest, value) => rest % value),
  least: (values) => Math.min(...numbers(values)),
  most: (values) => Math.max(...numbers(values)),
};

const engine = new LogicEngine();
for (const [name, method] of Object.entries(strict))
  engine.addMethod(name, method as never, { sync: true, deterministic: true } as never);

/** Operator → what it is compiled to, and how many operands it takes. */
const operators: Record<string, readonly [target: string, least: number, most: number]> = {
  and: ['and', 1, 50],
  or: ['or', 1, 50],
  '!': ['!', 1, 1],
  '!!': ['!!', 1, 1],
  if: ['if', 2, 21],
  '==': ['equal', 2, 2],
  '===': ['equal', 2, 2],
  '!=': ['unequal', 2, 2],
  '!==': ['unequal', 2, 2],
  '<': ['less', 2, 3],
  '<=': ['atMost', 2, 3],
  '>': ['greater', 2, 3],
  '>=': ['atLeast', 2, 3],
  in: ['within', 2, 2],
  '+': ['plus', 1, 20],
  '-': ['minus', 1, 20],
  '*': ['times', 1, 20],
  '/': ['over', 2, 20],
  '%': ['modulo', 2, 2],
  min: ['least', 1, 20],
  max: ['most', 1, 20],
  all: ['all', 2, 2],
  some: ['some', 2, 2],
  none: ['none', 2, 2],
};
const quantifiers = new Set(['all', 'some', 'none']);

const segment = '[A-Za-z0-9_-]{1,64}';
const outerPath = new RegExp(`^(?:action|(?:subject|resource|env|actionProperties)(?:\\.${segment}){1,6})$`);
const innerPath = new RegExp(`^(?:${segment}(?:\\.${segment}){0,5})?$`);
// Whatever an object, a text, a list or a number has by birth is no attribute.
const inherited = new Set(
  [Object, String, Array, Number, Boolean, Function].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype)),
);

interface Reading {
  problems: FieldError[];
  nodes: number;
}

type Place = { path: string; depth: number; isInner: boolean };

const isScalar = (node: unknown): boolean =>
  node === null ||
  typeof node === 'boolean' ||
  (typeof node === 'number' && Number.isFinite(node)) ||
  (typeof node === 'string' && node.length <= maxText);

const isEmptyList = (node: unknown): boolean => Array.isArray(node) && node.length === 0;

const refuse = (reading: Reading, path: string, message: string): null => {
  const last = reading.problems.at(-1);
  const isSaid = last?.path === `/condition${path}` && last.message === message;
  if (!isSaid && reading.problems.length < 20) reading.problems.push({ path: `/condition${path}`, message });
  return null;
};

const variable = (operand: unknown, place: Place, reading: Reading): unknown => {
  const [path, fallback, ...more] = Array.isArray(operand) ? operand : [operand];
  const pattern = place.isInner ? innerPath : outerPath;
  if (typeof path !== 'string' || !pattern.test(path) || path.split('.').some((name) => inherited.has(name))) {
    const known = place.isInner ? 'a name within the item' : 'action, or a name under subject, resource, actionProperties or env';
    return refuse(reading, `${place.path}/var`, `must be ${known}`);
  }
  if (more.length > 0 || (fallback !== undefined && !isScalar(fallback) && !isEmptyList(fallback))) {
    return refuse(reading, `${place.path}/var`, 'takes a path and one plain value, or [], for its absence');
  }
  return fallback === undefined ? { required: [{ var: path }] } : { var: [path, fallback] };
};

/** `{"==": [{"var": …}, null]}` asks whether there is a value, so absence is no mistake there. */
const comparesWithNull = (operator: string, operands: readonly unknown[]): boolean =>
  /^[!=]=/.test(operator) && operands.some((operand) => operand === null);

const bare = (node: unknown): unknown => {
  const { required } = (typeof node === 'object' && node !== null ? node : {}) as { required?: [unknown] };
  return required ? required[0] : node;
};

const readOperation = (operator: string, operand: unknown, place: Place, reading: Reading): unknown => {
  if (operator === 'var') return variable(operand, place, reading);
  const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
  if (!known) return refuse(reading, `${place.path}/${operator}`, 'is not an operator of conditions');
  const [target, least, most] = known;
  const operands = Array.isArray(operand) ? operand : [operand];
  if (operands.length < least || operands.length > most) {
    return refuse(reading, `${place.path}/${operator}`, `takes ${least === most ? least : `${least} to ${most}`} operands`);
  }
  const isQuantifier = quantifiers.has(operator);
  if (isQuantifier && place.isInner) return refuse(reading, `${place.path}/${operator}`, 'cannot stand within all, some or none');
  const read = operands.map((part, index) =>
    readNode(
      part,
      {
        path: `${place.path}/${operator}/${index}`,
        depth: place.depth + 1,
        isInner: place.isInner || (isQuantifier && index === 1),
      },
      reading,
    ),
  );
  if (isQuantifier) return { [target]: [{ list: [read[0]] }, read[1]] };
  return { [target]: comparesWithNull(operator, operands) ? read.map(bare) : read };
};

const readNode = (node: unknown, place: Place, reading: Reading): unknown => {
  reading.nodes += 1;
  if (reading.nodes > maxNodes) return refuse(reading, '', `has more than ${maxNodes} parts`);
  if (place.depth > maxDepth) return refuse(reading, place.path, `is nested deeper than ${maxDepth}`);
  if (isScalar(node)) return node;
  if (Array.isArray(node)) {
    if (node.length > maxList) return refuse(reading, place.path, `is a list of more than ${maxList}`);
    return node.map((part, index) =>
      readNode(part, { ...place, path: `${place.path}/${index}`, depth: place.depth + 1 }, reading),
    );
  }
  const entries = typeof node === 'object' && node !== null ? Object.entries(node) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    return refuse(reading, place.path, 'must be a value or one operator with its operands');
  return readOperation(entry[0], entry[1], place, reading);
};

const read = (condition: unknown): { problems: FieldError[]; logic: unknown } => {
  const reading: Reading = { problems: [], nodes: 0 };
  const logic = readNode(condition, { path: '', depth: 0, isInner: false }, reading);
  return { problems: reading.problems, logic };
};

/** What is wrong with a condition, by place; nothing for a good one. */
export const conditionProblems = (condition: unknown): FieldError[] => read(condition).problems;

/** @param condition one that `conditionProblems` finds nothing in */
export const compileCondition = (condition: unknown): Condition => {
  const { logic, problems } = read(condition);
  if (problems.length > 0) return () => fail('the condition is not valid');
  const run = engine.build(logic as never) as (data: PolicyData) => unknown;
  return (data) => {
    const result = run(data);
    return typeof result === 'boolean' ? result : fail('the condition is neither true nor false');
  };
};

export interface Failure {
  /** JSON Pointer into the condition. */
  path: string;
  expression: unknown;
  /** What could not be computed, where that is why. */
  error?: string | undefined;
}

/** The smallest part of a conjunction that does not hold; `undefined` when the condition holds. */
export const failureOf = (condition: unknown, data: PolicyData, path = ''): Failure | undefined => {
  const parts = (condition as { and?: unknown[] } | null)?.and;
  if (Array.isArray(parts)) {
    for (const [index, part] of parts.entries()) {
      const failure = failureOf(part, data, `${path}/and/${index}`);
      if (failure) return failure;
    }
    return undefined;
  }
  try {
    return compileCondition(condition)(data) ? undefined : { path, expression: condition };
  } catch (error) {
    return { path, expression: condition, error: error instanceof ConditionFault ? error.message : 'cannot be computed' };
  }
};
