import type { FetchText } from '@cooperage/kernel';
import { CooperageError, MAX_BUNDLE_BYTES } from '@cooperage/protocol';
import { readFile } from 'node:fs/promises';
import { reasonOf } from './reason-of.ts';

const decode = (bytes: Uint8Array): string => {
  if (bytes.byteLength > MAX_BUNDLE_BYTES) {
    throw Error(
      `it has ${bytes.byteLength} bytes, and ${MAX_BUNDLE_BYTES} are allowed`,
    );
  }
  return new TextDecoder().decode(bytes);
};

const fetchFromServer = async (url: URL): Promise<string> => {
  // Whoever wrote the URL named this server and no other.
  const response = await fetch(url, { redirect: 'error' });
  if (!response.ok) {
    await response.body?.cancel();
    throw Error(`the server answered ${response.status}`);
  }
  return decode(new Uint8Array(await response.arrayBuffer()));
};

const read = async (url: URL): Promise<string> => {
  switch (url.protocol) {
    case 'file:':
      return decode(await readFile(url));
    case 'http:':
    case 'https:':
      return fetchFromServer(url);
    default:
      throw Error(`${url.protocol} is neither file: nor http(s):`);
  }
};

/** Reads files of this machine, and of servers what they give without a redirect. */
export const fetchText: FetchText = async given => {
  try {
    return await read(new URL(given));
  } catch (problem) {
    throw new CooperageError(
      'BUNDLE_UNREACHABLE',
      `${given} can't be fetched: ${reasonOf(problem)}`,
    );
  }
};
