import { checkStorage } from '@cooperage/kernel';
import { enterDoor, nodeClock, openFolderStorage } from '@cooperage/node';
import { describeCheck, type CheckResult } from '@cooperage/protocol';
import { makeRpc } from '@cooperage/streams';
import { insistState } from './folder.ts';
import { Problem } from './problem.ts';

const look = async (folder: string): Promise<CheckResult> => {
  const stream = await enterDoor(folder);
  if (stream === undefined) {
    const storage = await openFolderStorage(folder);
    try {
      return await checkStorage(storage, nodeClock.soon);
    } finally {
      storage.db.close();
      storage.stores.close();
    }
  }
  const rpc = makeRpc(stream, { onNotify: () => {} });
  try {
    return (await rpc.call('check', {})) as CheckResult;
  } finally {
    rpc.close();
  }
};

/**
 * Looks through all that is stored in a folder, whether a process runs its kernel
 * or not, and says what it has found. Rejects when something is damaged.
 */
export const check = async (folder: string): Promise<void> => {
  insistState(folder);
  const result = await look(folder);
  const lines = describeCheck(result).join('\n');
  if (result.damaged.length > 0) {
    throw new Problem(lines);
  }
  console.log(lines);
};
