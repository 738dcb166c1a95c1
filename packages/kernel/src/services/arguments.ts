import harden from '@endo/harden';
import type { Kref } from '@cooperage/protocol';
import { refuseUnless } from './refusal.ts';
import { isReference, type Value } from './values.ts';

/** A whole or broken number from 0 on that a clock can tell as a time in milliseconds. */
export const MOST_TIME = 8.64e15;

/** Milliseconds. Throws Refusal unless it is a number from `least` to `most`. */
export const insistMilliseconds = (
  value: Value,
  what: string,
  least = 0,
): number => {
  refuseUnless(
    typeof value === 'number' || typeof value === 'bigint',
    () => `${what} is a number of milliseconds`,
  );
  const milliseconds = Number(value);
  refuseUnless(
    milliseconds >= least && milliseconds <= MOST_TIME,
    () => `${what} is from ${least} to ${MOST_TIME} milliseconds`,
    'RangeError',
  );
  return Math.ceil(milliseconds);
};
harden(insistMilliseconds);

/** Throws Refusal unless it is an object; a promise for one is not enough. */
export const insistObject = (value: Value, what: string): Kref => {
  refuseUnless(isReference(value) && value.type === 'object', () =>
    isReference(value)
      ? `${what} is a promise: wait for what it becomes, and pass that`
      : `${what} is an object`,
  );
  return value.kref;
};
harden(insistObject);
