import type { BackupSource, BackupTarget } from '../adapters/backup-file.ts';

/** A backup that is written into memory, and its bytes as they are now. */
export const makeMemoryTarget = () => {
  let bytes = new Uint8Array(0);
  const target: BackupTarget = {
    write: (added, at) => {
      const longer = new Uint8Array(Math.max(bytes.length, at + added.length));
      longer.set(bytes);
      longer.set(added, at);
      bytes = longer;
    },
    read: (at, length) => bytes.slice(at, at + length),
    sync: () => {},
  };
  return { target, bytes: () => bytes };
};

export const sourceOf = (bytes: Uint8Array): BackupSource => ({
  size: bytes.length,
  read: async (at, length) => new Uint8Array(bytes.slice(at, at + length)),
});
