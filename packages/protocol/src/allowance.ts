import { isFields, own } from './fields.ts';
import { showValue } from './show-value.ts';
import { DEFAULT_VAT_LIMITS, type CrankBounds } from './vat-channel.ts';

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
  /** What the objects count that services have made for it, and that somebody still knows. */
  readonly serviceUnits: number;
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
  serviceUnits: 4_000_000,
  storeBytes: 268_435_456,
});

/** All that a vat's config may bound: what is kept for it, and what it may say at once. */
export type VatBounds = Allowance &
  CrankBounds & {
    /** Lines of log in a second; what is beyond is left out. */
    readonly logLinesPerSecond: number;
  };

const { logUnits: _logUnits, ...USUAL_CRANK_BOUNDS } = DEFAULT_VAT_LIMITS;

export const USUAL_BOUNDS: VatBounds = Object.freeze({
  ...USUAL_ALLOWANCE,
  ...USUAL_CRANK_BOUNDS,
  logLinesPerSecond: 1_000,
});

/** No config may allow more of what is kept, nor less than an empty store's file takes. */
export const MOST_ALLOWED = 2 ** 30;
export const LEAST_STORE = 100_000;

const leastOf = (key: keyof VatBounds): number =>
  key === 'storeBytes' ? LEAST_STORE : 1;

const isOfAllowance = (key: keyof VatBounds): key is keyof Allowance =>
  Object.hasOwn(USUAL_ALLOWANCE, key);

/** What may be said at once a config can only narrow. */
const mostOf = (key: keyof VatBounds): number =>
  isOfAllowance(key) ? MOST_ALLOWED : USUAL_BOUNDS[key];

/** What one with bounds of its own may have: what is kept for it as these say, of what it says at once the usual at most. */
export const boundOf = (
  key: keyof VatBounds,
  own: Partial<VatBounds> | undefined,
  usual: VatBounds,
): number => {
  const given = own?.[key] ?? usual[key];
  return isOfAllowance(key) ? given : Math.min(given, usual[key]);
};

/** The same of all. */
export const allBoundsOf = (
  own: Partial<VatBounds> | undefined,
  usual: VatBounds,
): VatBounds => {
  const all: { -readonly [Key in keyof VatBounds]: number } = { ...usual };
  BOUNDS.forEach(key => {
    all[key] = boundOf(key, own, usual);
  });
  return all;
};

const isKey = (key: string): key is keyof VatBounds =>
  Object.hasOwn(USUAL_BOUNDS, key);

const BOUNDS = Object.freeze(Object.keys(USUAL_BOUNDS).filter(isKey));

/** Of the bounds those of a crank. */
export const crankBoundsOf = (
  bounds: Partial<VatBounds>,
): Partial<CrankBounds> =>
  Object.fromEntries(
    Object.entries(bounds).filter(([key]) =>
      Object.hasOwn(USUAL_CRANK_BOUNDS, key),
    ),
  );

/** What is kept for it now, and the lines of log of this second: of the rest there is nothing between two cranks. */
export type UsedBounds = Allowance & Pick<VatBounds, 'logLinesPerSecond'>;

/** One bound: what there is now, if it is kept, and may be. */
export type AllowanceUse = {
  readonly limit: keyof VatBounds;
  readonly now: number | null;
  readonly most: number;
};

/** Every bound with what is used of it, in the order of `VatBounds`. */
export const listUses = (
  used: UsedBounds,
  allowed: VatBounds,
): readonly AllowanceUse[] => {
  const known: Partial<VatBounds> = used;
  return BOUNDS.map(limit => ({
    limit,
    now: known[limit] ?? null,
    most: allowed[limit],
  }));
};

/** Reads the `limits` of a vat in a config; what it does not name stays as usual. */
export const parseLimits = (
  value: unknown,
  where: string,
  problems: string[],
): Partial<VatBounds> => {
  if (!isFields(value)) {
    problems.push(`${where}: limits is an object, not ${showValue(value)}`);
    return {};
  }
  const limits: { -readonly [Key in keyof VatBounds]?: number } = {};
  for (const key of Object.keys(value)) {
    const most = own(value, key);
    if (!isKey(key)) {
      problems.push(
        `${where}: limits has no ${showValue(key)} (known: ${BOUNDS.join(', ')})`,
      );
    } else if (
      typeof most === 'number' &&
      Number.isInteger(most) &&
      most >= leastOf(key) &&
      most <= mostOf(key)
    ) {
      limits[key] = most;
    } else {
      problems.push(
        `${where}: limits.${key} is a whole number from ${leastOf(key)} to ${mostOf(key)}, not ${showValue(most)}`,
      );
    }
  }
  return limits;
};
