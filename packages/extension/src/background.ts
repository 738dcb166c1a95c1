/**
 * The service worker. It keeps nothing: whenever it is started, it makes sure
 * that there is an offscreen document, and that is where everything lives. Its
 * realm is also the developer's console: `kernel`, `home`, `E`, `Far`.
 */
import '@cooperage/client/lockdown';
import { makeConsole } from '@cooperage/client';
import { makeRpc } from '@cooperage/streams';
import browser from 'webextension-polyfill';
import { handOver, serveConnect } from './background/hand-over.ts';
import {
  ensureOffscreen,
  findOffscreen,
  isOffscreen,
} from './background/offscreen-document.ts';
import { serveSites } from './background/sites.ts';
import { makeConnector } from './client-port.ts';
import { isUpdateWord, type UpdateWord } from './control-words.ts';

declare const self: ServiceWorkerGlobalScope;

const WATCH = 'watch';
const WATCH_MINUTES = 1;

const ensure = (): void => {
  // A failure is tried again at the next alarm, and told to whoever connects.
  ensureOffscreen().catch(problem => console.error(problem));
};

const watch = async (): Promise<void> => {
  if ((await browser.alarms.get(WATCH)) === undefined) {
    await browser.alarms.create(WATCH, { periodInMinutes: WATCH_MINUTES });
  }
};

serveSites();

browser.runtime.onInstalled.addListener(ensure);
browser.runtime.onStartup.addListener(ensure);
browser.alarms.onAlarm.addListener(ensure);

// The offscreen document remembers that an update waits, for this worker may sleep meanwhile.
browser.runtime.onUpdateAvailable.addListener(async () => {
  const word: UpdateWord = { tag: 'cooperage-update', stage: 'waiting' };
  try {
    const offscreen = await findOffscreen();
    offscreen.postMessage(word);
  } catch (problem) {
    // Without the document no kernel runs that could be disturbed.
    console.error(problem);
    browser.runtime.reload();
  }
});

self.addEventListener('message', event => {
  const data: unknown = event.data;
  if (isUpdateWord(data) && isOffscreen(event.source)) {
    browser.runtime.reload();
    return;
  }
  const served = serveConnect(event);
  if (served !== undefined) {
    event.waitUntil(served);
  }
});

/** Beyond a bundle of the largest size, in UTF-16. */
const MAX_FRAME_BYTES = 2 ** 26;

const open = makeConnector(handOver);
const { kernel, home, E, Far } = makeConsole({
  connect: async onNotify =>
    makeRpc(await open(), {
      label: 'kernel',
      maxBytes: MAX_FRAME_BYTES,
      onNotify,
    }),
});
Object.assign(globalThis, { kernel, home, E, Far });

ensure();
void watch();
