import type {
  Clock,
  FetchText,
  Hash,
  Log,
  Platform,
  VatLauncher,
} from '@cooperage/kernel';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
  type MemoryImage,
} from '@cooperage/kernel/memory';
import {
  makeFileImages,
  openNodeStorage,
  type FileImages,
  type Storage,
} from '@cooperage/kernel/sqlite-wasm';
import { CooperageError, MAX_BUNDLE_BYTES } from '@cooperage/protocol';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { makeNodeVats } from './node-vats.ts';

export type StorageKind = 'memory' | 'sqlite';

/** What a disk would hold after the last commit. Whoever has it can open it again. */
export type NodeImage =
  | { readonly storage: 'memory'; readonly content: MemoryImage }
  | { readonly storage: 'sqlite'; readonly content: FileImages };

/** An empty disk. */
export const makeNodeImage = (storage: StorageKind): NodeImage =>
  storage === 'memory'
    ? { storage, content: makeMemoryImage() }
    : { storage, content: makeFileImages() };

/** An independent copy, as of now: of a running platform, as of its last commit. */
export const copyNodeImage = (image: NodeImage): NodeImage =>
  image.storage === 'memory'
    ? { storage: 'memory', content: makeMemoryImage(image.content) }
    : { storage: 'sqlite', content: makeFileImages(image.content) };

/** The system's clock. */
export const nodeClock: Clock = Object.freeze({
  now: () => Date.now(),
  after: (milliseconds: number, callback: () => void) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  // It runs behind the messages of ports that the loop has taken in before.
  soon: (callback: () => void) => {
    setImmediate(callback);
  },
});

const hash: Hash = async bytes =>
  createHash('sha512').update(bytes).digest('hex');

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

const fetchLoopback = async (url: URL): Promise<string> => {
  if (!LOOPBACK.includes(url.hostname)) {
    throw Error('only file: URLs and hosts of this machine are fetched');
  }
  // A redirect could lead away from this machine.
  const response = await fetch(url, { redirect: 'error' });
  if (!response.ok) {
    await response.body?.cancel();
    throw Error(`the server answered ${response.status}`);
  }
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength > MAX_BUNDLE_BYTES) {
    throw Error(`${bytes.byteLength} bytes are more than ${MAX_BUNDLE_BYTES}`);
  }
  return new TextDecoder().decode(bytes);
};

/** `fetch` says "fetch failed" and hides the reason in its cause. */
const causeOf = (problem: unknown): string => {
  if (!(problem instanceof Error)) {
    return String(problem);
  }
  return problem.cause === undefined
    ? problem.message
    : `${problem.message}: ${causeOf(problem.cause)}`;
};

const makeFetchText =
  (baseUrl: URL | undefined): FetchText =>
  async given => {
    try {
      const url = new URL(given, baseUrl);
      switch (url.protocol) {
        case 'file:':
          return await readFile(url, 'utf8');
        case 'http:':
        case 'https:':
          return await fetchLoopback(url);
        default:
          throw Error(`${url.protocol} is not fetched here`);
      }
    } catch (problem) {
      throw new CooperageError(
        'BUNDLE_UNREACHABLE',
        `${given} can't be fetched: ${causeOf(problem)}`,
      );
    }
  };

const openStorage = (image: NodeImage): Promise<Storage> =>
  image.storage === 'sqlite'
    ? openNodeStorage(image.content)
    : Promise.resolve({
        db: openMemoryKernelDb(image.content),
        stores: openMemoryVatStores(image.content),
      });

export type NodePlatformOptions = {
  /** Written to at every commit; an empty one of SQLite unless given. */
  readonly image?: NodeImage;
  /** What relative URLs of bundles are relative to; without it they are unreachable. */
  readonly baseUrl?: URL;
  /** Where diagnostics go; nowhere unless given. */
  readonly log?: Log;
  /** Starts the vats' workers; `makeNodeVats()` unless given. */
  readonly vats?: VatLauncher;
};

/**
 * All that a kernel needs to run in Node: storage in memory that outlives the
 * kernel as an image, vats as worker threads, bundles from files and from this
 * machine's own servers. The kernel owns it. Rejects with STORAGE_FAILED.
 */
export const openNodePlatform = async ({
  image = makeNodeImage('sqlite'),
  baseUrl,
  log = () => {},
  vats = makeNodeVats(),
}: NodePlatformOptions = {}): Promise<Platform> => {
  const { db, stores } = await openStorage(image);
  const fetchText = makeFetchText(baseUrl);
  return Object.freeze({
    db,
    stores,
    vats,
    clock: nodeClock,
    log,
    hash,
    fetchText,
  });
};
