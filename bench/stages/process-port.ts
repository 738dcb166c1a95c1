import type { ChildProcess } from 'node:child_process';
import type { EmitterPort } from '@cooperage/streams';

/** A child as a port. */
export const childPort = (child: ChildProcess): EmitterPort => ({
  postMessage: message => void child.send(message as object),
  on: (type, listener) => child.on(type, listener),
  off: (type, listener) => child.off(type, listener),
});

/** The parent of this process as a port, whose end is not this process's own: that has other words for what ended it. */
export const parentPort = (): EmitterPort => ({
  postMessage: message => void process.send?.(message),
  on: (type, listener) => {
    if (type === 'message') {
      process.on('message', listener);
    }
  },
  off: (type, listener) => process.off(type, listener),
});
