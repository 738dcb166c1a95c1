import {
  copyOpfsStorage,
  fillOpfsStorage,
  insistUsable,
  readBackup,
  type BackupReport,
  type BackupTarget,
} from '@cooperage/kernel/sqlite-wasm';
import type { Clock, Hash } from '@cooperage/kernel';
import { CooperageError } from '@cooperage/protocol';
import type { BackupResult } from '@cooperage/protocol';
import {
  makeExchangeFile,
  readExchangeFile,
  removeExchangeFile,
} from './exchange.ts';
import { currentDirectory, replaceAll } from './generations.ts';

/** Where SQLite's wasm is. */
export const wasmUrl = (): string =>
  new URL('sqlite3.wasm', location.href).href;

export const hash: Hash = async bytes => {
  const digest = await crypto.subtle.digest('SHA-512', bytes);
  return Array.from(new Uint8Array(digest), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
};

const reasonOf = (problem: unknown): string =>
  problem instanceof Error ? problem.message : String(problem);

/** What the browser's file system says becomes BACKUP_FAILED. */
const attempt = async <Result>(
  what: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await work();
  } catch (problem) {
    throw problem instanceof CooperageError
      ? problem
      : new CooperageError('BACKUP_FAILED', `${what}: ${reasonOf(problem)}`);
  }
};

/** Writes a backup into the exchange, under a name that says when. */
export const writeToExchange = (
  now: number,
  write: (target: BackupTarget) => Promise<BackupReport>,
): Promise<BackupResult> =>
  attempt('The backup could not be written', async () => {
    const day = new Date(now).toISOString().slice(0, 19);
    const name = `${day.replaceAll(/[:.]/g, '-')}.cooperage`;
    const target = await makeExchangeFile(name);
    try {
      return { name, ...(await write(target)) };
    } finally {
      target.close();
    }
  });

/** Copies all that is stored as it is, while no kernel has it open. */
export const copyAll = (clock: Clock): Promise<BackupResult> =>
  writeToExchange(clock.now(), async target =>
    copyOpfsStorage(
      {
        directory: await currentDirectory(),
        after: clock.after,
        wasmUrl: wasmUrl(),
      },
      target,
      hash,
    ),
  );

/** Puts these databases into the place of all that is stored. */
export const storeInstead = (
  databases: ReadonlyMap<string, Uint8Array>,
  clock: Clock,
): Promise<void> =>
  attempt('It could not be stored', () =>
    replaceAll(directory =>
      fillOpfsStorage(
        { directory, after: clock.after, wasmUrl: wasmUrl() },
        databases,
      ),
    ),
  );

/** Puts what a backup in the exchange holds into the place of all that is stored, once it is looked through. */
export const restoreFrom = (name: string, clock: Clock): Promise<void> =>
  attempt('The backup can’t be used', async () => {
    const databases = await readBackup(await readExchangeFile(name), hash);
    await removeExchangeFile(name);
    await insistUsable(databases);
    await storeInstead(databases, clock);
  });
