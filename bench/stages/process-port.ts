import type { ChildProcess } from 'node:child_process';
import type { EmitterPort } from '@cooperage/streams';

/** A child, or the parent of this process, as a port. */
export const processPort = (
  other: ChildProcess | NodeJS.Process,
): EmitterPort => ({
  postMessage: message => void other.send?.(message as object),
  on: (type, listener) => (other as ChildProcess).on(type, listener),
  off: (type, listener) => (other as ChildProcess).off(type, listener),
});
