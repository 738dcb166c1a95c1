import { CooperageError } from '@cooperage/protocol';
import { makeConnector } from './client-port.ts';
import type { ConnectAnswer, ConnectRequest } from './control-words.ts';

const HAND_OVER_MILLISECONDS = 15_000;

const isAnswer = (data: unknown): data is ConnectAnswer =>
  typeof data === 'object' && data !== null && 'ok' in data;

/** The service worker that serves this page; it may not control it yet right after the installation. */
const findServiceWorker = async (): Promise<ServiceWorker> => {
  const { serviceWorker } = navigator;
  const found = serviceWorker.controller ?? (await serviceWorker.ready).active;
  if (found === null) {
    throw new CooperageError(
      'KERNEL_UNREACHABLE',
      'The extension has no active service worker. Reload it at chrome://extensions',
    );
  }
  return found;
};

const handOver = async (client: string, port: MessagePort): Promise<void> => {
  const signal = AbortSignal.timeout(HAND_OVER_MILLISECONDS);
  const late = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () =>
      reject(new Error('the service worker does not answer')),
    ),
  );
  const serviceWorker = await Promise.race([findServiceWorker(), late]);
  const answer = new MessageChannel();
  const request: ConnectRequest & { answer: MessagePort } = {
    tag: 'cooperage-connect',
    client,
    port,
    answer: answer.port2,
  };
  const answered = new Promise<void>((resolve, reject) => {
    answer.port1.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isAnswer(data) && data.ok) {
        resolve();
      } else {
        reject(new Error(isAnswer(data) && !data.ok ? data.problem : '?'));
      }
    };
    serviceWorker.postMessage(request, [port, answer.port2]);
  });
  await Promise.race([answered, late]).finally(() => answer.port1.close());
};

/**
 * Opens a connection from an extension page to the kernel, through the service
 * worker; resolves once the kernel has said hello. The caller owns the stream,
 * and closes it; it closes by itself when the kernel is lost. Rejects with
 * CooperageError KERNEL_UNREACHABLE.
 */
export const connectToKernel = makeConnector(handOver);
