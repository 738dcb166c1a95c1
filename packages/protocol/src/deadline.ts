/** An hour, in milliseconds. */
export const MAX_DEADLINE = 3_600_000;

/** Milliseconds that a vat may take for one delivery. */
export const isDeadline = (value: unknown): value is number =>
  typeof value === 'number' &&
  Number.isInteger(value) &&
  value >= 1 &&
  value <= MAX_DEADLINE;
