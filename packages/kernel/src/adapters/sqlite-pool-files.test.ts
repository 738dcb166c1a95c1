import init, {
  type SAHPoolUtil,
  type Sqlite3Static,
} from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import { fillPool, openPoolFiles } from './sqlite-pool-files.ts';

const loading = init();

class NoModificationAllowedError extends Error {
  override name = 'NoModificationAllowedError';
}

const HELD = new NoModificationAllowedError('somebody has it');

/** SQLite whose pool has files of these names, and fails before that with these errors. */
const makePool = async (
  names: readonly string[],
  failures: readonly Error[] = [],
) => {
  const sqlite3 = await loading;
  const files = new Map<string, Uint8Array>(
    names.map(name => [name, Uint8Array.of(1)]),
  );
  const left = [...failures];
  /** What the pool was told, in order. */
  const told: (readonly unknown[])[] = [];
  const tell =
    <Args extends readonly unknown[], Result>(
      what: string,
      work: (...args: Args) => Result,
    ) =>
    (...args: Args): Result => {
      told.push([what, ...args]);
      return work(...args);
    };
  const pool: object = {
    OpfsSAHPoolDb: class extends sqlite3.oo1.DB {
      constructor(path: string) {
        super(':memory:');
        told.push(['open', path]);
      }
      override close(): void {
        told.push(['close']);
        super.close();
      }
    },
    getFileNames: () => [...files.keys()],
    reserveMinimumCapacity: tell('reserve', async (_files: number) => 0),
    unlink: tell('unlink', (name: string) => files.delete(name)),
    exportFile: (name: string) => files.get(name),
    importDb: tell('import', async (name: string, bytes: Uint8Array) => {
      if (bytes.length === 0) {
        throw Error('no database');
      }
      files.set(name, bytes);
    }),
    pauseVfs: tell('pause', () => {}),
  };
  const waits: number[] = [];
  const installed: unknown[] = [];
  return {
    told,
    waits,
    installed,
    files,
    options: {
      directory: 'home',
      after: (milliseconds: number, callback: () => void) => {
        waits.push(milliseconds);
        callback();
        return () => {};
      },
      sqlite3: {
        ...sqlite3,
        installOpfsSAHPoolVfs: async (options: unknown) => {
          installed.push(options);
          const failure = left.shift();
          if (failure) {
            throw failure;
          }
          return pool as SAHPoolUtil;
        },
      } as Sqlite3Static,
    },
  };
};

const many = (count: number): Error[] =>
  Array.from({ length: count }, () => HELD);

describe('the pool of a browser’s access handles', () => {
  it('is waited for while another has it, some seconds long, and is never deleted', async () => {
    const { options, waits, installed } = await makePool([], many(13));
    await openPoolFiles(options);
    expect(waits).toEqual([
      50, 100, 200, 400, 800, 800, 800, 800, 1600, 1600, 1600, 1600, 1600,
    ]);
    expect(installed).toHaveLength(14);
    expect(new Set(installed.map(each => JSON.stringify(each)))).toEqual(
      new Set([
        JSON.stringify({
          name: 'pool-home',
          directory: 'home',
          initialCapacity: 16,
          forceReinitIfPreviouslyFailed: true,
          preserveOnInitFailure: true,
          verbosity: 0,
        }),
      ]),
    );
  });

  it('is in use when another keeps it', async () => {
    const { options } = await makePool([], many(14));
    await expect(openPoolFiles(options)).rejects.toMatchObject({
      code: 'STORAGE_IN_USE',
      message:
        'Another kernel of this extension holds the files of home. Close it, or restart the browser',
    });
  });

  it.each([0, 1, 13])(
    'fails at once with any other problem, after %i tries',
    async tries => {
      const problem = Error('no disk');
      const { options, waits } = await makePool([], [...many(tries), problem]);
      await expect(openPoolFiles(options)).rejects.toBe(problem);
      expect(waits).toHaveLength(tries);
    },
  );

  it('loses what a killed kernel left of a file that is gone, and has room for the others', async () => {
    const { options, told } = await makePool([
      '/kernel.sqlite',
      '/kernel.sqlite-wal',
      '/vat-v1.sqlite-journal',
      '/vat-v2.sqlite',
      '/vat-v3.sqlite-wal',
    ]);
    const files = await openPoolFiles(options);
    expect(told).toEqual([
      ['unlink', '/vat-v1.sqlite-journal'],
      ['unlink', '/vat-v3.sqlite-wal'],
      ['reserve', 20],
    ]);
    expect(files.list()).toEqual(['kernel.sqlite', 'vat-v2.sqlite']);
    expect(files.names()).toEqual([
      'kernel.sqlite',
      'kernel.sqlite-wal',
      'vat-v2.sqlite',
    ]);
    expect(['vat-v2.sqlite', 'vat-v1.sqlite'].map(files.has)).toEqual([
      true,
      false,
    ]);
    expect(files.bytes('vat-v2.sqlite')).toEqual(Uint8Array.of(1));
    told.length = 0;
    files.delete('vat-v2.sqlite');
    await files.reserve(3);
    files.close();
    expect(told).toEqual([
      ['unlink', '/vat-v2.sqlite-journal'],
      ['unlink', '/vat-v2.sqlite-wal'],
      ['unlink', '/vat-v2.sqlite'],
      ['reserve', 22],
      ['pause'],
    ]);
  });

  it.each([
    ['wal', 'wal'],
    ['rollback', 'truncate'],
  ] as const)(
    'closes a file that can’t have the journal it is to have: %s',
    async (journal, mode) => {
      const { options, told } = await makePool([]);
      const files = await openPoolFiles(options);
      told.length = 0;
      expect(() => files.open('kernel.sqlite', journal)).toThrow(
        `kernel.sqlite has journal mode memory and not ${mode}`,
      );
      expect(told).toEqual([['open', '/kernel.sqlite'], ['close']]);
    },
  );

  it('is filled with databases, and left to whoever opens it, also when one is none', async () => {
    const { options, told, files } = await makePool([]);
    const bytes = Uint8Array.of(7);
    await fillPool(options, new Map([['kernel.sqlite', bytes]]));
    expect([...files]).toEqual([['/kernel.sqlite', bytes]]);
    expect(told).toEqual([
      ['reserve', 18],
      ['import', '/kernel.sqlite', bytes],
      ['pause'],
    ]);
    await expect(
      fillPool(options, new Map([['vat-v1.sqlite', new Uint8Array()]])),
    ).rejects.toThrow('no database');
    expect(told.at(-1)).toEqual(['pause']);
  });
});
