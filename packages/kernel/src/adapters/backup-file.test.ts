import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { CooperageError } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../ports.ts';
import { makeMemoryTarget, sourceOf } from '../testing/backup-bytes.ts';
import { readBackup, writeBackup, type BackupSource } from './backup-file.ts';

const hash: Hash = async bytes =>
  createHash('sha512').update(bytes).digest('hex');

const write = async (
  files: readonly { name: string; bytes: Uint8Array }[],
): Promise<Uint8Array> => {
  const { target, bytes } = makeMemoryTarget();
  await writeBackup(files, target, hash);
  return bytes();
};

const names = ['kernel.sqlite', 'vat-v1.sqlite', 'vat-v12.sqlite'];
const someFiles = fc
  .array(fc.uint8Array({ maxLength: 40 }), { maxLength: names.length })
  .map(contents =>
    contents.map((bytes, nth) => ({ name: names[nth] ?? '', bytes })),
  );

describe('a backup', () => {
  it('gives back every byte of every file', async () => {
    await fc.assert(
      fc.asyncProperty(someFiles, async files => {
        const read = await readBackup(sourceOf(await write(files)), hash);
        expect([...read]).toEqual(
          files.map(({ name, bytes }) => [name, new Uint8Array(bytes)]),
        );
      }),
    );
  });

  it('is refused when a byte is another, is missing, or is one too many', async () => {
    const spoil = (bytes: Uint8Array, at: number, how: string): Uint8Array => {
      const copy = bytes.slice();
      switch (how) {
        case 'cut':
          return copy.subarray(0, at);
        case 'longer':
          return new Uint8Array([...copy, 0]);
        default:
          copy[at] = (copy[at] ?? 0) ^ 1;
          return copy;
      }
    };
    await fc.assert(
      fc.asyncProperty(
        someFiles,
        fc.nat(),
        fc.constantFrom('flip', 'cut', 'longer'),
        async (files, where, how) => {
          const bytes = await write(files);
          const spoiled = spoil(bytes, where % bytes.length, how);
          await expect(
            readBackup(sourceOf(spoiled), hash),
          ).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
        },
      ),
    );
  });

  it('is none before its last byte is written', async () => {
    const { target, bytes } = makeMemoryTarget();
    const states: Uint8Array[] = [];
    const files = [{ name: 'kernel.sqlite', bytes: new Uint8Array([1, 2, 3]) }];
    await writeBackup(
      files,
      {
        ...target,
        write: (added, at) => {
          states.push(bytes());
          target.write(added, at);
        },
      },
      hash,
    );
    expect(states.length).toBeGreaterThan(3);
    for (const state of states) {
      await expect(readBackup(sourceOf(state), hash)).rejects.toMatchObject({
        code: 'BACKUP_FAILED',
      });
    }
  });

  it.each([
    '../kernel.sqlite',
    'kernel.sqlite/../../x',
    'vat-v1.sqlite.sh',
    'claim-1-2-3',
    '',
  ])('names no file but those of a kernel: %j', async name => {
    const bytes = await write([{ name, bytes: new Uint8Array([1]) }]);
    await expect(readBackup(sourceOf(bytes), hash)).rejects.toThrow(
      'its index is damaged',
    );
  });

  it('names no file twice', async () => {
    const file = { name: 'kernel.sqlite', bytes: new Uint8Array([1]) };
    const bytes = await write([file, file]);
    await expect(readBackup(sourceOf(bytes), hash)).rejects.toThrow(
      'its index is damaged',
    );
  });

  it('is as long as it tells, and synced as a whole', async () => {
    const { target, bytes } = makeMemoryTarget();
    const synced: number[] = [];
    const files = [
      { name: 'kernel.sqlite', bytes: new Uint8Array(5) },
      { name: 'vat-v1.sqlite', bytes: new Uint8Array(7) },
    ];
    const sync = () => synced.push(bytes().length);
    const report = await writeBackup(files, { ...target, sync }, hash);
    expect(report).toEqual({ files: 2, bytes: bytes().length });
    expect(synced).toEqual([bytes().length]);
    expect((await readBackup(sourceOf(bytes()), hash)).size).toBe(2);
  });

  it('may have the companions of a file, and nothing else beside the files of a kernel', async () => {
    const names = [
      'kernel.sqlite',
      'kernel.sqlite-wal',
      'vat-v10.sqlite-journal',
    ];
    const files = names.map(name => ({ name, bytes: new Uint8Array([1]) }));
    const read = await readBackup(sourceOf(await write(files)), hash);
    expect([...read.keys()]).toEqual(names);
  });

  const HEAD = 'Cooperage backup 1\n';
  /** A backup of one byte whose index a hand has written. */
  const withIndex = (index: string, digits = String(index.length)) => {
    const last = `${digits.padStart(16, '0')}\n`;
    return sourceOf(new TextEncoder().encode(`${HEAD}x${index}${last}`));
  };
  const FILE = { name: 'kernel.sqlite', at: HEAD.length, size: 1, sha512: '' };

  it.each<[string, unknown]>([
    ['its index is damaged', null],
    ['its index is damaged', {}],
    ['its index is damaged', { files: { length: 0 } }],
    ['its index is damaged', { files: [null] }],
    ['its index is damaged', { files: [{ ...FILE, name: 7 }] }],
    ['its index is damaged', { files: [{ ...FILE, name: ['kernel.sqlite'] }] }],
    ['its index is damaged', { files: [{ ...FILE, at: FILE.at + 1 }] }],
    ['its index is damaged', { files: [{ ...FILE, at: `${FILE.at}` }] }],
    ['its index is damaged', { files: [{ ...FILE, size: -1 }] }],
    ['its index is damaged', { files: [{ ...FILE, size: 0.5 }] }],
    ['its index is damaged', { files: [{ ...FILE, size: '1' }] }],
    ['its index is damaged', { files: [{ ...FILE, sha512: 7 }] }],
    ['its index does not fit its files', { files: [] }],
    ['its index does not fit its files', { files: [{ ...FILE, size: 0 }] }],
    ['its index does not fit its files', { files: [{ ...FILE, size: 2 }] }],
    ['its file kernel.sqlite is damaged', { files: [FILE] }],
  ])('is refused in words, %s: %j', async (problem, index) => {
    await expect(
      readBackup(withIndex(JSON.stringify(index)), hash),
    ).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: `The backup can't be used: ${problem}`,
    });
  });

  it('is none when its index is no JSON', async () => {
    await expect(readBackup(withIndex('{'), hash)).rejects.toThrow(
      'its index is damaged',
    );
  });

  it.each<[string, BackupSource]>([
    [
      'it is not a backup of Cooperage, or it was never finished',
      sourceOf(new Uint8Array()),
    ],
    [
      'it is not a backup of Cooperage, or it was never finished',
      sourceOf(new TextEncoder().encode('Cooperage backup 2\n')),
    ],
    ['its end is missing', sourceOf(new TextEncoder().encode(HEAD))],
    [
      'its end is missing',
      sourceOf(new TextEncoder().encode(`${HEAD}${'0'.repeat(15)}\n`)),
    ],
    ['its end is missing', withIndex('{}', '4')],
    ['its end is missing', withIndex('{}', 'x')],
    ['its end is missing', withIndex('{}', '1e0')],
    ['its end is missing', withIndex('{}', '-1')],
  ])('is none without its first and last line: %s', async (problem, source) => {
    await expect(readBackup(source, hash)).rejects.toThrow(
      `The backup can't be used: ${problem}`,
    );
  });

  it('has an index of no more than 16 MB, which is not read', async () => {
    const size = 2 ** 25;
    const reads: number[] = [];
    const sourceWith = (length: number) => ({
      size,
      read: async (at: number, count: number) => {
        reads.push(count);
        const text = at === 0 ? HEAD : `${String(length).padStart(16, '0')}\n`;
        return new TextEncoder().encode(text);
      },
    });
    await expect(readBackup(sourceWith(2 ** 24 + 1), hash)).rejects.toThrow(
      'its end is missing',
    );
    expect(reads).toEqual([HEAD.length, 17]);
    await expect(readBackup(sourceWith(2 ** 24), hash)).rejects.toThrow(
      'its index is damaged',
    );
    expect(reads.at(-1)).toBe(2 ** 24);
  });

  it('says why it can’t be written', async () => {
    const { target } = makeMemoryTarget();
    const full = {
      ...target,
      write: () => {
        throw Error('no space left');
      },
    };
    await expect(writeBackup([], full, hash)).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: 'The backup could not be written: no space left',
    });
    const refused = new CooperageError('STORAGE_FAILED', 'nobody may');
    const forbidden = {
      ...target,
      write: () => {
        throw refused;
      },
    };
    await expect(writeBackup([], forbidden, hash)).rejects.toBe(refused);
  });
});
