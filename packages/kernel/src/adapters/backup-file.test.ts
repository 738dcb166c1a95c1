import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../ports.ts';
import { readBackup, writeBackup, type BackupTarget } from './backup-file.ts';

const hash: Hash = async bytes =>
  createHash('sha512').update(bytes).digest('hex');

const makeMemoryTarget = () => {
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

const sourceOf = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (at: number, length: number) =>
    new Uint8Array(bytes.slice(at, at + length)),
});

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
      message: expect.stringContaining('no space left'),
    });
  });
});
