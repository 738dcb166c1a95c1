/** Where the offscreen document is found in the package. */
const PAGE = 'offscreen.html';

/** Whether the browser says of a sender that it is the offscreen document. */
export const isOffscreenUrl = (url: string | undefined): boolean =>
  url === `${location.origin}/${PAGE}`;

let creation: Promise<void> | undefined;

const isThere = async (): Promise<boolean> => {
  const contexts = await chrome.runtime.getContexts({
    contextTypes: ['OFFSCREEN_DOCUMENT'],
  });
  return contexts.length > 0;
};

const create = async (): Promise<void> => {
  if (await isThere()) {
    return;
  }
  try {
    await chrome.offscreen.createDocument({
      url: PAGE,
      reasons: ['WORKERS', 'IFRAME_SCRIPTING'],
      justification:
        'Runs the kernel in a worker, and the vats in workers of a sandboxed page.',
    });
  } catch (problem) {
    // A service worker that ended a moment ago may have been making it.
    if (!(await isThere())) {
      throw problem;
    }
  }
};

/** Makes the offscreen document unless there is one; one creation at a time, or the browser refuses the second. */
export const ensureOffscreen = (): Promise<void> => {
  creation ??= create().finally(() => {
    creation = undefined;
  });
  return creation;
};

declare const self: ServiceWorkerGlobalScope;

/** The document as whom messages are posted to; rejects when it is gone again. */
export const findOffscreen = async (): Promise<Client> => {
  await ensureOffscreen();
  const clients = await self.clients.matchAll({
    type: 'all',
    includeUncontrolled: true,
  });
  const found = clients.find(({ url }) => isOffscreenUrl(url));
  if (found === undefined) {
    throw new Error('the offscreen document can not be found');
  }
  return found;
};

/** Whether a message comes from the offscreen document. */
export const isOffscreen = (source: unknown): boolean =>
  source instanceof Client && isOffscreenUrl(source.url);
