import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from './problem.ts';

/** Throws unless a kernel has left its state in the folder. */
export const insistState = (folder: string): void => {
  if (!existsSync(join(folder, 'kernel.sqlite'))) {
    throw new Problem(
      `there is no state in ${folder}: "cooperage run cluster.json" makes it, and --state names another folder`,
    );
  }
};
