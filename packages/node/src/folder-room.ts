import type { Platform } from '@cooperage/kernel';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

const sizeOf = async (path: string): Promise<number> => {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : 0;
  } catch (problem) {
    if (problem instanceof Error && Reflect.get(problem, 'code') === 'ENOENT') {
      return 0; // it has gone since the folder was read
    }
    throw problem;
  }
};

/** Bytes of the files in the folder, and those that its disk has left for this user. */
export const makeFolderRoom =
  (folder: string): NonNullable<Platform['room']> =>
  async () => {
    const names = await readdir(folder);
    const sizes = await Promise.all(
      names.map(name => sizeOf(join(folder, name))),
    );
    const { bavail, bsize } = await statfs(folder);
    return {
      used: sizes.reduce((sum, size) => sum + size, 0),
      left: bavail * bsize,
    };
  };
