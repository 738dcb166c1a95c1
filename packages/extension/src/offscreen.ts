/**
 * The offscreen document: starts, watches and restarts the kernel's worker and
 * the vats' host, and introduces clients. It is off the path of messages.
 */
import browser from 'webextension-polyfill';
import {
  isConnectRequest,
  isSitesAnswer,
  isSitesWord,
  isUpdateWord,
  type SitesAnswer,
  type SitesQuestion,
} from './control-words.ts';
import { makeClients } from './offscreen/clients.ts';
import { makeKernelKeeper } from './offscreen/kernel-keeper.ts';
import { serveInstead } from './offscreen/stand-in.ts';
import { makeStorageOrders } from './offscreen/storage-orders.ts';
import { makeVatHostKeeper } from './offscreen/vat-host-keeper.ts';

const every = (milliseconds: number, callback: () => void): (() => void) => {
  const timer = setInterval(callback, milliseconds);
  return () => clearInterval(timer);
};
const after = (milliseconds: number, callback: () => void): void => {
  setTimeout(callback, milliseconds);
};

/** The service worker looks: here there is no `permissions`. */
const askSites = async (sites: readonly string[]): Promise<SitesAnswer> => {
  const question: SitesQuestion = { tag: 'cooperage-sites', sites };
  try {
    const answer: unknown = await browser.runtime.sendMessage(question);
    return isSitesAnswer(answer)
      ? answer
      : { ok: false, problem: 'the service worker gave no answer' };
  } catch (problem) {
    return { ok: false, problem: String(problem) };
  }
};

/** No other document's kernel has the same name. */
const run = `-${crypto.randomUUID()}`;

const host = makeVatHostKeeper({
  script: fetch('vat-worker.js').then(response => response.text()),
  every,
  onVatLost: (launch, reason, what) => kernel.vatLost(launch, reason, what),
});

const clients = makeClients({
  origin: location.origin,
  after,
  onClient: client => kernel.serve(client),
  onGone: client => kernel.dismiss(client),
});

// A dead worker gives no event, but its locks come free.
const whenDead = (name: string): Promise<void> =>
  navigator.locks.request(name, () => {});

const storage = makeStorageOrders({
  startWorker: name =>
    new Worker('storage-worker.js', { type: 'module', name: name + run }),
  whenDead,
  isResting: () => kernel.isResting(),
});

const kernel = makeKernelKeeper({
  startWorker: name =>
    new Worker('kernel-worker.js', { type: 'module', name: name + run }),
  whenDead,
  every,
  now: () => performance.now(),
  after,
  onLaunch: word => void host.launch(word),
  onKill: ({ launch }) => host.kill(launch),
  onLook: host.look,
  askSites,
  onLost: () => {
    host.clear();
    clients.disconnectAll();
  },
  serveInstead: (client, now, startKernel) =>
    serveInstead(client, now, { startKernel, storage }),
});

browser.runtime.onConnect.addListener(clients.takeLife);
browser.runtime.onMessage.addListener((word: unknown) => {
  if (isSitesWord(word)) {
    kernel.sitesTakenBack();
  }
});

navigator.serviceWorker.addEventListener('message', event => {
  const data: unknown = event.data;
  if (!(event.source instanceof ServiceWorker)) {
    return;
  }
  if (isConnectRequest(data)) {
    clients.takePort(data.client, data.port);
  } else if (isUpdateWord(data)) {
    const { source } = event;
    void kernel
      .stop()
      .then(() =>
        source.postMessage({ tag: 'cooperage-update', stage: 'ready' }),
      );
  }
});
navigator.serviceWorker.startMessages();
