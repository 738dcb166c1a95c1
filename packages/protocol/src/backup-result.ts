/** A backup: how its file is found, and how much is in it. */
export type BackupResult = {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
};
