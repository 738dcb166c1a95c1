import harden from '@endo/harden';
import type { BackupResult, CheckResult } from '@cooperage/protocol';
import type { Archive } from './ports.ts';
import { badRequest, fieldsOf, textOf } from './requests.ts';

/** The control methods that look through all that is stored, copy it, or put a copy in its place. */
export const makeArchiveMethods = (
  archive: Archive | undefined,
  check: () => Promise<CheckResult>,
) => {
  const insistArchive = (): Archive => {
    if (!archive) {
      throw badRequest('This kernel stores nothing that outlives it');
    }
    return archive;
  };
  return harden({
    check,
    backup: (): Promise<BackupResult> => insistArchive().backup(),
    restore: async (params: unknown): Promise<null> => {
      const { restore } = insistArchive();
      if (!restore) {
        throw badRequest(
          'A kernel that runs here can’t have its state replaced: stop it first',
        );
      }
      await restore(textOf(fieldsOf(params), 'name'));
      return null;
    },
  });
};
harden(makeArchiveMethods);
