import {
  CooperageError,
  ERROR_CODES,
  type ErrorCode,
} from '@cooperage/protocol';
import harden from '@endo/harden';

const isErrorCode = (value: unknown): value is ErrorCode =>
  ERROR_CODES.some(code => code === value);

/** What a thrown value says, in words. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
harden(messageOf);

const AGAIN =
  'presences of that session are dead: get them again by E(kernel).root(cluster, vat) or home';

/** The error of everything that a session's end cuts off. */
export const makeSessionClosed = (why: string): CooperageError =>
  new CooperageError(
    'SESSION_CLOSED',
    `the session has ended: ${why}; ${AGAIN}`,
  );
harden(makeSessionClosed);

/**
 * The error that a person gets for one that an RPC gave: with the kernel's own
 * code, or `SESSION_CLOSED` when the connection broke.
 */
export const makeReadable = (thrown: unknown): Error => {
  if (thrown instanceof CooperageError) {
    return thrown;
  }
  const code: unknown =
    thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  const data: unknown =
    thrown instanceof Error ? Reflect.get(thrown, 'data') : undefined;
  if (isErrorCode(code)) {
    return new CooperageError(code, messageOf(thrown), data);
  }
  if (code === 'STREAM_CLOSED') {
    return makeSessionClosed(messageOf(thrown));
  }
  return thrown instanceof Error ? thrown : Error(messageOf(thrown));
};
harden(makeReadable);
