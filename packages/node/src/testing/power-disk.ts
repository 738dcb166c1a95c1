import { basename, dirname } from 'node:path';
import type { Disk } from '../disk.ts';

/** Bytes that a disk writes whole or not at all. */
const SECTOR = 512;

type Change =
  | { readonly at: number; readonly bytes: Uint8Array }
  | { readonly size: number };

/** A file: what of it is synced, and what was done to it since. */
type File = {
  readonly synced: Uint8Array;
  readonly changes: readonly Change[];
};

/** What a folder says of a name: the file's number, or null for none. */
type Naming = { readonly name: string; readonly file: number | null };

/** All that a disk holds, for sure or on its way; nobody changes it. */
export type DiskImage = {
  readonly files: ReadonlyMap<number, File>;
  /** Names by what is synced of their folder. */
  readonly names: ReadonlyMap<string, number>;
  /** What was done to names since, in order. */
  readonly namings: readonly Naming[];
};

const EMPTY: DiskImage = { files: new Map(), names: new Map(), namings: [] };
const NO_BYTES = new Uint8Array();

const resize = (bytes: Uint8Array, size: number): Uint8Array => {
  const sized = new Uint8Array(size);
  sized.set(bytes.subarray(0, Math.min(size, bytes.length)));
  return sized;
};

const applyChange = (bytes: Uint8Array, change: Change): Uint8Array => {
  if ('size' in change) {
    return resize(bytes, change.size);
  }
  const end = change.at + change.bytes.length;
  const written = end > bytes.length ? resize(bytes, end) : bytes.slice();
  written.set(change.bytes, change.at);
  return written;
};

const contentOf = ({ synced, changes }: File): Uint8Array =>
  changes.reduce(applyChange, synced);

const namesOf = ({ names, namings }: DiskImage): Map<string, number> => {
  const now = new Map(names);
  for (const { name, file } of namings) {
    if (file === null) {
      now.delete(name);
    } else {
      now.set(name, file);
    }
  }
  return now;
};

/** Of a change that was not synced: all, nothing, or some sectors of it. */
const surviving = (
  change: Change,
  choose: (below: number) => number,
): Change[] => {
  const fate = choose(3);
  if (fate === 0) {
    return [];
  }
  if (fate === 1 || 'size' in change) {
    return [change];
  }
  const sectors: Change[] = [];
  let at = change.at;
  const end = change.at + change.bytes.length;
  while (at < end) {
    const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
    if (choose(2)) {
      sectors.push({
        at,
        bytes: change.bytes.slice(at - change.at, next - change.at),
      });
    }
    at = next;
  }
  return sectors;
};

/**
 * What the disk may hold once the power was gone: of each write and each new
 * size that was not synced all, nothing or some sectors, whatever came after it;
 * of what was done to a name, as much as came first. Names and files apart.
 */
export const losePower = (
  image: DiskImage,
  choose: (below: number) => number,
): DiskImage => {
  const files = new Map<number, File>();
  for (const [number, { synced, changes }] of image.files) {
    // Often a file loses all of it, or nothing: what is between is found by chance anyway.
    const fate = choose(4);
    const kept =
      fate === 0
        ? []
        : fate === 1
          ? changes
          : changes.flatMap(change => surviving(change, choose));
    files.set(number, {
      synced: kept.reduce(applyChange, synced),
      changes: [],
    });
  }
  const names = new Map(image.names);
  for (const name of new Set(image.namings.map(each => each.name))) {
    const own = image.namings.filter(each => each.name === name);
    const last = own[choose(own.length + 1) - 1];
    if (last?.file === null) {
      names.delete(name);
    } else if (last) {
      names.set(name, last.file);
    }
  }
  return { files, names, namings: [] };
};

/** A disk in memory that knows what a loss of power would leave. */
export const makePowerDisk = (
  start: DiskImage = EMPTY,
  {
    before = () => {},
    after = () => {},
  }: {
    /** Told of each change; what it throws is what the system says instead. */
    before?: (what: string) => void;
    after?: (what: string) => void;
  } = {},
) => {
  let image = start;
  const open = new Map<number, number>();
  /** What each file is now, as its readers see it. */
  const contents = new Map<number, { bytes: Uint8Array; size: number }>();
  let lastFile = Math.max(0, ...start.files.keys());
  let lastDescriptor = 2;
  let isDead = false;

  const insistPower = (): void => {
    if (isDead) {
      throw Error('the power is off');
    }
  };
  const change = (what: string, next: DiskImage): void => {
    image = next;
    after(what);
  };
  const setFile = (what: string, number: number, file: File): void =>
    change(what, { ...image, files: new Map(image.files).set(number, file) });
  const fileOf = (descriptor: number): number => {
    insistPower();
    const found = open.get(descriptor);
    if (found === undefined) {
      throw Error(`no file is open as ${descriptor}`);
    }
    return found;
  };
  const contentNow = (number: number): { bytes: Uint8Array; size: number } => {
    const known = contents.get(number);
    if (known) {
      return known;
    }
    const file = image.files.get(number);
    const bytes = file ? contentOf(file).slice() : NO_BYTES;
    const made = { bytes, size: bytes.length };
    contents.set(number, made);
    return made;
  };
  /** The same as `applyChange`, in place. */
  const changeContent = (number: number, made: Change): void => {
    const content = contentNow(number);
    const end = 'size' in made ? made.size : made.at + made.bytes.length;
    if (end > content.bytes.length) {
      content.bytes = resize(content.bytes, 2 * end);
    }
    if ('size' in made) {
      content.bytes.fill(0, made.size);
      content.size = made.size;
    } else {
      content.bytes.set(made.bytes, made.at);
      content.size = Math.max(content.size, end);
    }
  };
  const readContent = (number: number): Uint8Array => {
    const { bytes, size } = contentNow(number);
    return bytes.subarray(0, size);
  };
  const write = (what: string, descriptor: number, made: Change): void => {
    const number = fileOf(descriptor);
    before(what);
    const file = image.files.get(number);
    changeContent(number, made);
    setFile(what, number, {
      synced: file?.synced ?? NO_BYTES,
      changes: [...(file?.changes ?? []), made],
    });
  };
  const setName = (what: string, name: string, file: number | null): void =>
    change(what, { ...image, namings: [...image.namings, { name, file }] });

  const disk: Disk = {
    open: (path, how) => {
      insistPower();
      let number = namesOf(image).get(path);
      if (number === undefined) {
        if (how !== 'wx+') {
          throw Error(`${path} is not there`);
        }
        before('a new file');
        lastFile += 1;
        number = lastFile;
        image = {
          ...image,
          files: new Map(image.files).set(number, {
            synced: NO_BYTES,
            changes: [],
          }),
        };
        setName('a new file', path, number);
      }
      lastDescriptor += 1;
      open.set(lastDescriptor, number);
      return lastDescriptor;
    },
    close: descriptor => void open.delete(descriptor),
    read: (descriptor, bytes, offset) => {
      const content = readContent(fileOf(descriptor));
      const part = content.subarray(offset, offset + bytes.length);
      bytes.set(part);
      return part.length;
    },
    write: (descriptor, bytes, offset) =>
      write('a write', descriptor, { at: offset, bytes: bytes.slice() }),
    truncate: (descriptor, size) => write('a truncation', descriptor, { size }),
    sync: descriptor => {
      const number = fileOf(descriptor);
      before('a sync');
      setFile('a sync', number, {
        synced: readContent(number).slice(),
        changes: [],
      });
    },
    size: descriptor => readContent(fileOf(descriptor)).length,
    has: path => namesOf(image).has(path),
    delete: path => {
      insistPower();
      if (namesOf(image).has(path)) {
        before('the end of a file');
        setName('the end of a file', path, null);
      }
    },
    list: folder =>
      [...namesOf(image).keys()]
        .filter(path => dirname(path) === folder)
        .map(path => basename(path)),
    makeFolder: () => {},
    syncFolder: () => {
      insistPower();
      before('a sync of the folder');
      change('a sync of the folder', {
        ...image,
        names: namesOf(image),
        namings: [],
      });
    },
    claim: () => () => {},
  };
  return {
    disk,
    /** What it holds now; the same as before when nothing was done to it. */
    snapshot: (): DiskImage => image,
    /** From now on every call fails that could change or tell anything. */
    die: (): void => {
      isDead = true;
    },
  };
};
