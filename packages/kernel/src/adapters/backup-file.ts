import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import type { Hash } from '../ports.ts';

/**
 * A backup is one file: a line that says what it is, the stored files one after
 * the other, an index of them as JSON, and the index's length in the last line.
 * The index comes last, so that all is copied in one turn and weighed after it.
 */
const FIRST_LINE = 'Cooperage backup 1\n';
/** Decimal digits, and the end of the line. */
const LENGTH_DIGITS = 16;
const LAST_LINE_BYTES = LENGTH_DIGITS + 1;
const MOST_INDEX_BYTES = 2 ** 24;
const NAME = /^(?:kernel|vat-v\d+)\.sqlite(?:-journal|-wal)?$/;

const encode = (text: string): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Where a backup is written. Each method throws what the system says. */
export type BackupTarget = {
  write(bytes: Uint8Array, at: number): void;
  read(at: number, length: number): Uint8Array<ArrayBuffer>;
  /** What was written is durable when it returns. */
  sync(): void;
};

/** Where a backup is read. */
export type BackupSource = {
  readonly size: number;
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
};

/** One stored file. */
type FileCopy = { readonly name: string; readonly bytes: Uint8Array };

type IndexedFile = {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly sha512: string;
};

/** What a backup holds. */
export type BackupReport = { readonly files: number; readonly bytes: number };

const bad = (problem: string): CooperageError =>
  new CooperageError('BACKUP_FAILED', `The backup can't be used: ${problem}`);

/**
 * Writes the files, which are read in this turn, and their index after it.
 * Rejects with BACKUP_FAILED; what was written is then no backup.
 */
export const writeBackup = async (
  files: Iterable<FileCopy>,
  target: BackupTarget,
  hash: Hash,
): Promise<BackupReport> => {
  try {
    let at = FIRST_LINE.length;
    const copies: Omit<IndexedFile, 'sha512'>[] = [];
    for (const { name, bytes } of files) {
      target.write(bytes, at);
      copies.push({ name, at, size: bytes.length });
      at += bytes.length;
    }
    const indexed: IndexedFile[] = [];
    for (const copy of copies) {
      const sha512 = await hash(target.read(copy.at, copy.size));
      indexed.push({ ...copy, sha512 });
    }
    const index = encode(JSON.stringify({ files: indexed }));
    const length = String(index.length).padStart(LENGTH_DIGITS, '0');
    target.write(index, at);
    target.write(encode(`${length}\n`), at + index.length);
    // Last: without it the file is none of ours, whatever else is there.
    target.write(encode(FIRST_LINE), 0);
    target.sync();
    const bytes = at + index.length + LAST_LINE_BYTES;
    return harden({ files: indexed.length, bytes });
  } catch (problem) {
    throw problem instanceof CooperageError
      ? problem
      : new CooperageError(
          'BACKUP_FAILED',
          `The backup could not be written: ${problem instanceof Error ? problem.message : String(problem)}`,
        );
  }
};
harden(writeBackup);

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The files of an index, which must lie one right behind the other and fill the file. */
const parseIndex = (text: string, end: number): IndexedFile[] => {
  let files: unknown;
  try {
    files = Object(JSON.parse(text)).files;
  } catch {
    throw bad('its index is damaged');
  }
  if (!Array.isArray(files)) {
    throw bad('its index is damaged');
  }
  let expected = FIRST_LINE.length;
  const names = new Set<string>();
  const parsed = files.map((file: unknown): IndexedFile => {
    const { name, at, size, sha512 } = Object(file);
    if (
      typeof name !== 'string' ||
      !NAME.test(name) ||
      names.has(name) ||
      typeof sha512 !== 'string' ||
      !isCount(size) ||
      at !== expected
    ) {
      throw bad('its index is damaged');
    }
    names.add(name);
    expected += size;
    return { name, at, size, sha512 };
  });
  if (expected !== end) {
    throw bad('its index does not fit its files');
  }
  return parsed;
};

const readIndex = async (source: BackupSource): Promise<IndexedFile[]> => {
  const first = await source.read(0, Math.min(FIRST_LINE.length, source.size));
  if (decode(first) !== FIRST_LINE) {
    throw bad('it is not a backup of Cooperage, or it was never finished');
  }
  const end = source.size - LAST_LINE_BYTES;
  if (end < FIRST_LINE.length) {
    throw bad('its end is missing');
  }
  const last = decode(await source.read(end, LAST_LINE_BYTES));
  const length = /^\d+\n$/.test(last) ? Number(last) : NaN;
  if (!(length <= MOST_INDEX_BYTES && length <= end - FIRST_LINE.length)) {
    throw bad('its end is missing');
  }
  const text = decode(await source.read(end - length, length));
  return parseIndex(text, end - length);
};

/** The files of a backup, each as it was when it was copied. Rejects with BACKUP_FAILED when a byte is not. */
export const readBackup = async (
  source: BackupSource,
  hash: Hash,
): Promise<Map<string, Uint8Array>> => {
  const files = new Map<string, Uint8Array>();
  for (const { name, at, size, sha512 } of await readIndex(source)) {
    const bytes = await source.read(at, size);
    if (bytes.length !== size || (await hash(bytes)) !== sha512) {
      throw bad(`its file ${name} is damaged`);
    }
    files.set(name, bytes);
  }
  return files;
};
harden(readBackup);
