import { isBundleHash } from './bundle.ts';
import { isDeadline, MAX_DEADLINE } from './deadline.ts';
import { isName } from './names.ts';
import { showValue } from './show-value.ts';

/** What an administrator of vats may do; null bounds nothing. */
export type AdminCaveats = {
  /** Vats that may be there at once. */
  readonly vats: number | null;
  /** Bytes that their stores may have, all together. */
  readonly bytes: number | null;
  /** Names of the cluster's bundles, or hashes: the only code that they may run. */
  readonly bundles: readonly string[] | null;
  /**
   * Milliseconds that one of them may have for a delivery at most. Null for what
   * the one above allows; one that a config grants then allows the kernel's measure.
   */
  readonly deadline: number | null;
};

const KNOWN = ['vats', 'bytes', 'bundles', 'deadline'];
const MOST_BUNDLES = 100;

const parseCount = (
  value: unknown,
  where: string,
  problems: string[],
): number | null => {
  if (value === undefined) {
    return null;
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    return value;
  }
  problems.push(`${where} is a whole number from 0, not ${showValue(value)}`);
  return null;
};

const parseMostDeadline = (
  value: unknown,
  where: string,
  problems: string[],
): number | null => {
  if (value === undefined || isDeadline(value)) {
    return value ?? null;
  }
  problems.push(
    `${where} is a whole number of milliseconds from 1 to ${MAX_DEADLINE}, not ${showValue(value)}`,
  );
  return null;
};

const parseList = (
  value: unknown,
  where: string,
  problems: string[],
): readonly string[] | null => {
  if (value === undefined) {
    return null;
  }
  if (!Array.isArray(value) || value.length > MOST_BUNDLES) {
    problems.push(
      `${where} is a list of at most ${MOST_BUNDLES} names or hashes`,
    );
    return [];
  }
  const list: unknown[] = Array.from(value);
  return list.flatMap(each => {
    if (isName(each) || isBundleHash(each)) {
      return [each];
    }
    problems.push(
      `${where}: ${showValue(each)} is neither a name of a bundle nor a hash`,
    );
    return [];
  });
};

/** Reads the bounds of an administrator; a field that is absent bounds nothing. */
export const parseAdminCaveats = (
  fields: Readonly<Record<string, unknown>>,
  where: string,
  problems: string[],
): AdminCaveats => {
  for (const key of Object.keys(fields)) {
    if (!KNOWN.includes(key)) {
      problems.push(
        `${where}: unknown field ${showValue(key)} (known: ${KNOWN.join(', ')})`,
      );
    }
  }
  const { vats, bytes, bundles, deadline } = fields;
  return {
    vats: parseCount(vats, `${where}: vats`, problems),
    bytes: parseCount(bytes, `${where}: bytes`, problems),
    bundles: parseList(bundles, `${where}: bundles`, problems),
    deadline: parseMostDeadline(deadline, `${where}: deadline`, problems),
  };
};
