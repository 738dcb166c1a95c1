import type { Compiled, LaunchPorts } from './launching.ts';
import { FETCH_MILLISECONDS, readBounded } from '../../read-bounded.ts';
import { wordsOf } from './link.ts';
import type { Memory } from './memory.ts';
import type { SitePorts } from './sites.ts';

/** A compiler that was lost without a word must not leave the panel busy forever. */
const COMPILE_MILLISECONDS = 60_000;

const isCompiled = (value: unknown): value is Compiled & { id: number } =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  'ok' in value &&
  (value.ok === true ? 'bundleText' in value : 'problem' in value);

/** A worker for each module: the compiler is heavy and seldom wanted. */
const compileInWorker = (source: string, name: string): Promise<Compiled> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('module-compiler.js', document.baseURI), {
      type: 'module',
    });
    const fail = (reason: string): void => {
      worker.terminate();
      reject(new Error(`the module compiler failed: ${reason}`));
    };
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      worker.terminate();
      if (isCompiled(data)) {
        resolve(data);
      } else {
        fail('its answer is malformed');
      }
    };
    worker.onerror = ({ message }) => fail(message ?? 'it can’t be loaded');
    AbortSignal.timeout(COMPILE_MILLISECONDS).addEventListener('abort', () =>
      fail(`it gave no answer within ${COMPILE_MILLISECONDS / 1000} s`),
    );
    worker.postMessage({ id: 1, source, name });
  });

const fetchText = async (url: string): Promise<string> => {
  let response: Response;
  try {
    response = await fetch(url, {
      credentials: 'omit',
      signal: AbortSignal.timeout(FETCH_MILLISECONDS),
    });
  } catch (error) {
    throw new Error(
      `${url} can’t be reached: ${wordsOf(error)}. Check the address; its server must also allow reading from other sites (CORS). A file saved from it can be dropped here instead.`,
      { cause: error },
    );
  }
  if (!response.ok) {
    throw new Error(
      `${url} answered ${response.status} ${response.statusText}`,
    );
  }
  return readBounded(response);
};

const memory: Memory = Object.freeze({
  read: key => localStorage.getItem(key) ?? undefined,
  write: (key, text) => {
    try {
      localStorage.setItem(key, text);
    } catch {
      // The store is full: the page goes on without a memory.
    }
  },
});

/** A page of the extension may look and ask. */
const sites: SitePorts = Object.freeze({
  missing: async wanted => {
    const allowed = await Promise.all(
      wanted.map(site => chrome.permissions.contains({ origins: [site] })),
    );
    return wanted.filter((_site, at) => !allowed[at]);
  },
  request: wanted => chrome.permissions.request({ origins: [...wanted] }),
  watch: onChange => {
    chrome.permissions.onAdded.addListener(onChange);
    chrome.permissions.onRemoved.addListener(onChange);
  },
});

/** What an extension page offers for launching and remembering. */
export const makePagePorts = (): LaunchPorts & {
  readonly memory: Memory;
  readonly sites: SitePorts;
} =>
  Object.freeze({
    memory,
    sites,
    fetchText,
    compileModule: compileInWorker,
    samplesUrl: new URL('samples.json', document.baseURI).href,
  });
