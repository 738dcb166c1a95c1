import { signal, type ReadonlySignal } from '@preact/signals';
import type { BackupResult, CheckResult } from '@cooperage/protocol';
import type { Actions } from './actions.ts';
import type { Connection } from './connection.ts';

/** How the page and the kernel give each other large files. */
export type BackupPorts = {
  /** Lets the person have the file that the kernel has made. */
  readonly offer: (name: string) => Promise<void>;
  /** Hands a person's file to the kernel, and gives the name by which it finds it. */
  readonly hand: (file: File) => Promise<string>;
};

export type Backups = {
  /** The one that was made last. */
  readonly made: ReadonlySignal<BackupResult | undefined>;
  /** What was found when everything was looked through the last time. */
  readonly checked: ReadonlySignal<CheckResult | undefined>;
  /** Has everything looked through for damage. */
  check(): Promise<void>;
  /** Has everything copied into a file for the person. */
  save(): Promise<void>;
  /** Puts what the file holds into the place of everything. Gives whether it succeeded. */
  restore(file: File): Promise<boolean>;
};

export const CHECK_KEY = 'check';
export const SAVE_KEY = 'backup';
export const RESTORE_KEY = 'restore';

/** Resolves when the connection is lost. */
const whenLost = ({ phase }: Pick<Connection, 'phase'>): Promise<void> =>
  new Promise(resolve => {
    let stop = (): void => {};
    const look = (): void => {
      if (phase.value.at !== 'open') {
        stop();
        resolve();
      }
    };
    stop = phase.subscribe(look);
    look();
  });

export const makeBackups = (
  connection: Pick<Connection, 'call' | 'phase'>,
  actions: Pick<Actions, 'run'>,
  { offer, hand }: BackupPorts,
): Backups => {
  const made = signal<BackupResult | undefined>(undefined);
  const checked = signal<CheckResult | undefined>(undefined);
  return Object.freeze({
    made,
    checked,
    check: async () => {
      checked.value = undefined;
      await actions.run(CHECK_KEY, 'All is looked through', async () => {
        checked.value = await connection.call('check', {});
      });
    },
    save: async () => {
      made.value = undefined;
      await actions.run(SAVE_KEY, 'The backup is saved', async () => {
        const result = await connection.call('backup', {});
        await offer(result.name);
        made.value = result;
      });
    },
    restore: (file: File) =>
      actions.run(RESTORE_KEY, `${file.name} is restored`, async () => {
        const name = await hand(file);
        await connection.call('restore', { name });
        // By the kernel that is to make room: what is shown until then is of the past.
        await whenLost(connection);
      }),
  });
};
