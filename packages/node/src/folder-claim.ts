import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CooperageError } from '@cooperage/protocol';

/** `claim-<process>-<when it started>-<number within it>`: all that it says is in its name. */
const CLAIM = /^claim-(\d+)-(\d+)-(\d+)$/;

/**
 * When a process started, as the system counts, so that a number that was
 * given out again is not taken for the process that had it; 0 where the system
 * doesn't tell.
 */
const startOf = (process: number): string => {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[19] ?? '0';
  } catch {
    return '0';
  }
};

const isAlive = (holder: number, start: string): boolean => {
  try {
    process.kill(holder, 0);
  } catch (problem) {
    // Somebody else's process may not be signaled, and is alive.
    return (
      problem instanceof Error && 'code' in problem && problem.code === 'EPERM'
    );
  }
  return start === '0' || startOf(holder) === start;
};

let claims = 0;

/**
 * Claims a folder for this process and gives the function that ends the claim;
 * the claim of a process that is gone counts for nothing. Each one makes its
 * claim before it looks for others', so of two at once at most one succeeds.
 * Processes that can't see each other, in two containers, are not kept apart.
 *
 * @throws {CooperageError} STORAGE_IN_USE when a living process has the folder
 */
export const claimFolder = (folder: string): (() => void) => {
  claims += 1;
  const own = `claim-${process.pid}-${startOf(process.pid)}-${claims}`;
  const release = (): void => rmSync(join(folder, own), { force: true });
  writeFileSync(join(folder, own), '');
  for (const name of readdirSync(folder)) {
    const [, holder, start = '0'] = CLAIM.exec(name) ?? [];
    if (holder === undefined || name === own) {
      continue;
    }
    if (isAlive(Number(holder), start)) {
      release();
      throw new CooperageError(
        'STORAGE_IN_USE',
        `${folder} is in use by process ${holder}. Stop it first; if that is not a process of Cooperage, delete ${join(folder, name)}`,
      );
    }
    rmSync(join(folder, name), { force: true });
  }
  return release;
};
