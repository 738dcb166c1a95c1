import { makeConsole, type ClientConsole } from '@cooperage/client';
import { enterDoor } from '@cooperage/node';
import { makeRpc } from '@cooperage/streams';
import { insistState } from './folder.ts';
import { openKernel, type Place } from './open-kernel.ts';

/** The way to a kernel, whoever runs it. */
export type ReachedKernel = {
  readonly console: ClientConsole;
  /**
   * Leaves it; the kernel goes on if another process runs it. If this one does,
   * it is stopped, after all that can be done unless nothing shall be.
   */
  leave(how?: { readonly isDone: boolean }): Promise<void>;
};

/**
 * Comes to the kernel of a folder: by the door of the process that runs it, or
 * by opening it here. Rejects when there is no state, or it can't be opened.
 */
export const reachKernel = async (place: Place): Promise<ReachedKernel> => {
  insistState(place.folder);
  const stream = await enterDoor(place.folder);
  if (stream === undefined) {
    const { console, finish, stop } = await openKernel(place);
    return Object.freeze({
      console,
      leave: async ({ isDone } = { isDone: true }) => {
        try {
          if (isDone) {
            await finish();
          }
        } finally {
          await stop();
        }
      },
    });
  }
  const console = makeConsole({
    connect: async onNotify => makeRpc(stream, { onNotify }),
  });
  return Object.freeze({
    console,
    leave: async () => {
      console.close();
      stream.close();
    },
  });
};
