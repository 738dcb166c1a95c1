/**
 * What travels in one `postMessage` of a stream:
 * - an array: messages, in order, at least one and at most {@link MAX_BATCH};
 * - `{ close: ErrorRecord | null }`: the last thing an end says;
 * - `{ window: n }`: "I keep at most n messages unacknowledged", said once, before the first message of an end that has a window;
 * - `{ ack: n }`: "n more of your messages were taken", said only to an end that announced a window.
 *
 * Whatever says nothing is a breach: whoever could send it without end would keep the other side busy.
 */
import { parseErrorRecord, type ErrorRecord } from './errors.ts';

/**
 * Most messages of one batch. A receiver needs the bound: an array of length 2^32 − 1 with nothing in it is cheap to
 * send and would keep the receiver's loop busy for seconds.
 */
export const MAX_BATCH = 4096;

/** Largest window that an end may announce, in messages. */
export const MAX_WINDOW = 1_000_000;

/** A control frame, parsed. */
export type Control =
  | { readonly kind: 'close'; readonly reason: ErrorRecord | undefined }
  | { readonly kind: 'window'; readonly size: number }
  | { readonly kind: 'ack'; readonly count: number }
  | { readonly kind: 'malformed'; readonly problem: string };

const malformed = (problem: string): Control => ({
  kind: 'malformed',
  problem,
});

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && typeof value === 'number' && value > 0;

const parseClose = (reason: unknown): Control => {
  if (reason === null) return { kind: 'close', reason: undefined };
  const record = parseErrorRecord(reason);
  if (record === undefined)
    return malformed('a close whose reason is not an error record');
  return { kind: 'close', reason: record };
};

/** Reads one control frame, own properties only. */
export const parseControl = (frame: unknown): Control => {
  if (typeof frame !== 'object' || frame === null) {
    return malformed(
      `${frame === null ? 'null' : `a ${typeof frame}`} instead of a batch`,
    );
  }
  const read = (key: string): unknown => Reflect.get(frame, key);
  if (Object.hasOwn(frame, 'close')) return parseClose(read('close'));
  if (Object.hasOwn(frame, 'ack')) {
    const count = read('ack');
    return isCount(count)
      ? { kind: 'ack', count }
      : malformed('an ack that is not a count');
  }
  if (Object.hasOwn(frame, 'window')) {
    const size = read('window');
    if (!isCount(size) || size > MAX_WINDOW)
      return malformed('a window that is not a count');
    return { kind: 'window', size };
  }
  return malformed('a record that is neither close, window nor ack');
};
