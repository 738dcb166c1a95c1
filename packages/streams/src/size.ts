import { StreamError } from './errors.ts';

/** Deepest nesting of arrays and records that RPC carries: cloning recurses too. */
const MAX_DEPTH = 256;

/** What an array, a record or another object costs beside its content, in bytes. It bounds the walk of a cycle. */
const OBJECT_COST = 16;
const SCALAR_COST = 8;

const costOfBigint = (value: bigint): number =>
  BigInt.asIntN(64, value) === value
    ? SCALAR_COST
    : Math.ceil(value.toString(16).length / 2);

/** The bytes of an object that is neither array, record, Map nor Set; undefined if it has to be walked. */
const costOfLeaf = (value: object): number | undefined => {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof ArrayBuffer) return value.byteLength;
  if (value instanceof RegExp) return value.source.length;
  if (value instanceof Error) {
    return value.message.length + (value.stack?.length ?? 0);
  }
  // Browsers hide the constructor from pages that are not isolated.
  if (
    typeof SharedArrayBuffer === 'function' &&
    value instanceof SharedArrayBuffer
  ) {
    return value.byteLength;
  }
  return undefined;
};

const spendAll = (
  values: Iterable<unknown>,
  budget: number,
  depth: number,
): number => {
  let left = budget;
  for (const value of values) {
    left = spend(value, left, depth);
    if (left < 0) return left;
  }
  return left;
};

const spendRecord = (value: object, budget: number, depth: number): number => {
  let left = budget;
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    left = spend(Reflect.get(value, key), left - key.length, depth);
    if (left < 0) return left;
  }
  return left;
};

const spendMap = (
  value: Map<unknown, unknown>,
  budget: number,
  depth: number,
): number =>
  spendAll(value.values(), spendAll(value.keys(), budget, depth), depth);

const spendObject = (value: object, budget: number, depth: number): number => {
  const left = budget - OBJECT_COST;
  if (depth > MAX_DEPTH || left < 0) return -1;
  if (Array.isArray(value)) return spendAll(value, left, depth + 1);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) {
    const cost = costOfLeaf(value);
    if (cost !== undefined) return left - cost;
    if (value instanceof Map) return spendMap(value, left, depth + 1);
    if (value instanceof Set) return spendAll(value, left, depth + 1);
  }
  return spendRecord(value, left, depth + 1);
};

/** What is left of `budget` after `value`; negative, at once, if it does not suffice. */
const spend = (value: unknown, budget: number, depth: number): number => {
  switch (typeof value) {
    case 'string':
      return budget - value.length - SCALAR_COST;
    case 'object':
      return value === null
        ? budget - SCALAR_COST
        : spendObject(value, budget, depth);
    case 'bigint':
      return budget - costOfBigint(value);
    case 'function':
    case 'symbol':
      throw new StreamError(
        'RPC_UNSENDABLE',
        `a ${typeof value} cannot be sent`,
      );
    default:
      return budget - SCALAR_COST;
  }
};

/**
 * About the bytes of a value, or undefined if these are more than `maxBytes`: a string counts by its characters and 8 more, a number as 8, buffers
 * and typed arrays by their length and 16 more, each other object as 16 and what is in it. What is shared counts each time, a cycle and a nesting deeper
 * than 256 never fit. The work is bounded by `maxBytes`, not by the value. Throws StreamError (RPC_UNSENDABLE) on a
 * function or symbol, which no clone carries.
 */
export const weigh = (value: unknown, maxBytes: number): number | undefined => {
  const left = spend(value, maxBytes, 0);
  return left < 0 ? undefined : maxBytes - left;
};
