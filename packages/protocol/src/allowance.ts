import { isFields, own } from './fields.ts';
import { showValue } from './show-value.ts';

/**
 * What the kernel keeps for one vat or session at most. Sizes of text count
 * UTF-16 units; a message or an answer counts some more for its references and
 * for itself. What passes a bound is refused to the one who asked for it.
 */
export type Allowance = {
  /** Messages that may wait for it; one sender may have half of them. */
  readonly inboxMessages: number;
  /** What these may count together; one sender may have half of it. */
  readonly inboxUnits: number;
  /** What the messages that it has sent, and that wait anywhere, may count together. */
  readonly sentUnits: number;
  /** Promises that it has made and has not been told of yet. */
  readonly promises: number;
  /** What the answers to these may count together; and, apart from that, what others keep of the answers that one endpoint gave it. */
  readonly promiseUnits: number;
  /** Objects and promises that it exports, and that the kernel still knows. */
  readonly references: number;
  /** Bytes of its store. */
  readonly storeBytes: number;
};

export const USUAL_ALLOWANCE: Allowance = Object.freeze({
  inboxMessages: 100_000,
  inboxUnits: 64_000_000,
  sentUnits: 32_000_000,
  promises: 200_000,
  promiseUnits: 64_000_000,
  references: 1_000_000,
  storeBytes: 268_435_456,
});

/** No config may allow more of anything, nor less than an empty store's file takes. */
export const MOST_ALLOWED = 2 ** 30;
export const LEAST_STORE = 100_000;

const leastOf = (key: keyof Allowance): number =>
  key === 'storeBytes' ? LEAST_STORE : 1;

const isKey = (key: string): key is keyof Allowance =>
  Object.hasOwn(USUAL_ALLOWANCE, key);

const ALLOWANCES = Object.freeze(Object.keys(USUAL_ALLOWANCE).filter(isKey));

/** One bound: what there is now, and may be. */
export type AllowanceUse = {
  readonly limit: keyof Allowance;
  readonly now: number;
  readonly most: number;
};

/** Every bound with what is used of it, in the order of `Allowance`. */
export const listUses = (
  used: Allowance,
  allowed: Allowance,
): readonly AllowanceUse[] =>
  ALLOWANCES.map(limit => ({
    limit,
    now: used[limit],
    most: allowed[limit],
  }));

/** Reads the `limits` of a vat in a config; what it does not name stays as usual. */
export const parseLimits = (
  value: unknown,
  where: string,
  problems: string[],
): Partial<Allowance> => {
  if (!isFields(value)) {
    problems.push(`${where}: limits is an object, not ${showValue(value)}`);
    return {};
  }
  const limits: { -readonly [Key in keyof Allowance]?: number } = {};
  for (const key of Object.keys(value)) {
    const most = own(value, key);
    if (!isKey(key)) {
      problems.push(
        `${where}: limits has no ${showValue(key)} (known: ${ALLOWANCES.join(', ')})`,
      );
    } else if (
      typeof most === 'number' &&
      Number.isInteger(most) &&
      most >= leastOf(key) &&
      most <= MOST_ALLOWED
    ) {
      limits[key] = most;
    } else {
      problems.push(
        `${where}: limits.${key} is a whole number from ${leastOf(key)} to ${MOST_ALLOWED}, not ${showValue(most)}`,
      );
    }
  }
  return limits;
};
