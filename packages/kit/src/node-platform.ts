import type {
  Fetch,
  FetchText,
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
import { fetchText, nodeClock, nodeHash } from '@cooperage/node';
import { CooperageError } from '@cooperage/protocol';
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

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

const unreachable = (given: string, why: string): CooperageError =>
  new CooperageError('BUNDLE_UNREACHABLE', `${given} can't be fetched: ${why}`);

/** Tests reach files and this machine's own servers, and nothing else. */
const makeFetchText =
  (baseUrl: URL | undefined): FetchText =>
  async given => {
    if (!URL.canParse(given, baseUrl)) {
      throw unreachable(
        given,
        'it is no URL, and there is none to complete it',
      );
    }
    const url = new URL(given, baseUrl);
    if (url.protocol.startsWith('http') && !LOOPBACK.includes(url.hostname)) {
      throw unreachable(given, 'only hosts of this machine are asked');
    }
    return fetchText(url.href);
  };

const openStorage = (
  image: NodeImage,
): Promise<Pick<Storage, 'db' | 'stores'>> =>
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
  /** The way of vats to servers; none unless given. */
  readonly fetch?: Fetch;
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
  fetch,
}: NodePlatformOptions = {}): Promise<Platform> => {
  const { db, stores } = await openStorage(image);
  return Object.freeze({
    db,
    stores,
    vats,
    clock: nodeClock,
    log,
    hash: nodeHash,
    fetchText: makeFetchText(baseUrl),
    ...(fetch === undefined ? {} : { fetch }),
  });
};
