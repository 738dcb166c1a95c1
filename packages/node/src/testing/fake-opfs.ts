import type { Disk } from '../disk.ts';

/** What the pool of SQLite's browser build asks of the origin's private file system, over a disk of a test. */
const FOLDER = '/pool';

/** Its name is what the pool looks for when it is told of a handle that another has. */
class NoModificationAllowedError extends Error {
  override name = 'NoModificationAllowedError';
}

const bytesOf = ({
  buffer,
  byteOffset,
  byteLength,
}: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** An access handle: what is written to it survives a loss of power only once it is flushed. */
const makeAccess = (disk: Disk, path: string, onClose: () => void) => {
  const descriptor = disk.open(path, 'r+');
  return {
    read: (view: ArrayBufferView, { at = 0 } = {}): number =>
      disk.read(descriptor, bytesOf(view), at),
    write: (view: ArrayBufferView, { at = 0 } = {}): number => {
      disk.write(descriptor, bytesOf(view), at);
      return view.byteLength;
    },
    truncate: (size: number): void => disk.truncate(descriptor, size),
    flush: (): void => {
      disk.sync(descriptor);
      // What was flushed is found again: the file's name is kept too.
      disk.syncFolder(FOLDER);
    },
    getSize: (): number => disk.size(descriptor),
    close: (): void => {
      disk.close(descriptor);
      onClose();
    },
  };
};

class FakeFileHandle {
  readonly kind = 'file';
  readonly #make: () => ReturnType<typeof makeAccess>;
  constructor(make: () => ReturnType<typeof makeAccess>) {
    this.#make = make;
  }
  async createSyncAccessHandle(): Promise<ReturnType<typeof makeAccess>> {
    return this.#make();
  }
}

/** A folder, and every folder in it: the pool makes two, one in the other, and they stay. */
class FakeDirectoryHandle {
  readonly kind = 'directory';
  readonly #disk: Disk;
  readonly #open = new Set<string>();
  constructor(disk: Disk) {
    this.#disk = disk;
  }
  async getDirectoryHandle(): Promise<FakeDirectoryHandle> {
    return this;
  }
  async getFileHandle(
    name: string,
    { create = false } = {},
  ): Promise<FakeFileHandle> {
    const path = `${FOLDER}/${name}`;
    if (create && !this.#disk.has(path)) {
      this.#disk.close(this.#disk.open(path, 'wx+'));
    }
    return new FakeFileHandle(() => {
      if (this.#open.has(path)) {
        throw new NoModificationAllowedError(path);
      }
      this.#open.add(path);
      return makeAccess(this.#disk, path, () => this.#open.delete(path));
    });
  }
  async removeEntry(name: string): Promise<void> {
    this.#disk.delete(`${FOLDER}/${name}`);
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<[string, FakeFileHandle]> {
    for (const name of this.#disk.list(FOLDER)) {
      yield [name, await this.getFileHandle(name)];
    }
  }
}

/** From now on this realm has the file system of a browser; gives what says over which disk it is. */
export const installFakeOpfs = (): ((disk: Disk) => void) => {
  let root: FakeDirectoryHandle | undefined;
  const globals = {
    FileSystemHandle: FakeFileHandle,
    FileSystemDirectoryHandle: FakeDirectoryHandle,
    FileSystemFileHandle: FakeFileHandle,
    navigator: { storage: { getDirectory: async () => root } },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  return disk => {
    root = new FakeDirectoryHandle(disk);
  };
};
