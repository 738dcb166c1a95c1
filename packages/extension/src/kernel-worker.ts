import '@cooperage/client/lockdown';
import { makeKernel, type Kernel } from '@cooperage/kernel';
import { CooperageError, PROTOCOL_VERSION } from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  StreamClosedError,
  type DuplexStream,
} from '@cooperage/streams';
import type {
  FromKernelWorker,
  RestingState,
  ToKernelWorker,
} from './control-words.ts';
import { makePlatform } from './kernel-worker/platform.ts';
import { makeSites } from './kernel-worker/sites.ts';
import { makeVatLauncher } from './kernel-worker/vat-launcher.ts';

declare const self: DedicatedWorkerGlobalScope;

const HELLO_MILLISECONDS = 30_000;
/** An update waits that long for all work to be done. A vat that spins must not keep it away. */
const FINISH_MILLISECONDS = 50_000;

const post = (word: FromKernelWorker, transfer: Transferable[] = []): void =>
  self.postMessage(word, transfer);

const { launcher, lost } = makeVatLauncher(post, (milliseconds, callback) => {
  const timer = setInterval(callback, milliseconds);
  return () => clearInterval(timer);
});
const sites = makeSites(post);
const clients = new Map<string, DuplexStream<unknown, unknown>>();

const onRestored = (): void => post({ type: 'restored' });

const start = async (): Promise<Kernel> =>
  makeKernel(await makePlatform(launcher, sites, onRestored), {
    // With one alone, a vat that spins would stop all others.
    parallel: Math.max(2, navigator.hardwareConcurrency),
  });
const running = start();

/** Of damage, of what a newer version has written, and of another kernel, one more try finds the same. */
const restAfter = (problem: unknown): RestingState | undefined => {
  const code = problem instanceof CooperageError ? problem.code : undefined;
  if (code === 'STORAGE_IN_USE') {
    return 'storage-in-use';
  }
  return code === 'STORAGE_FAILED' ? 'storage-failed' : undefined;
};

const tellFailure = (problem: unknown): void => {
  const reason = problem instanceof Error ? problem.message : String(problem);
  post({ type: 'failed', reason, rest: restAfter(problem) });
};
void running.then(async kernel => {
  const { state, reason = 'no reason given' } = await kernel.ended;
  if (state !== 'stopped') {
    const rest =
      state === 'storage-failed' || state === 'critical-failed'
        ? state
        : undefined;
    post({ type: 'failed', reason, rest });
  }
}, tellFailure);

const serve = async (
  word: ToKernelWorker & { readonly type: 'client' },
): Promise<void> => {
  const { client, privilege, label, port } = word;
  const stream = makeMessagePortStream(port, { label });
  clients.set(client, stream);
  void stream.closed.then(() => clients.delete(client));
  const kernel = await running;
  await makeHandshake(stream, {
    version: PROTOCOL_VERSION,
    nonce: client,
    signal: AbortSignal.timeout(HELLO_MILLISECONDS),
  });
  kernel.connect(stream, { privilege, label });
};

const stop = async (): Promise<void> => {
  const kernel = await running;
  await Promise.race([
    kernel.idle(),
    new Promise<void>(resolve => setTimeout(resolve, FINISH_MILLISECONDS)),
  ]);
  await kernel.stop();
  post({ type: 'stopped' });
};

const obey = (word: ToKernelWorker): void => {
  switch (word.type) {
    case 'client':
      // A client whose hello is wrong has been told by the handshake.
      void serve(word).catch(() => {});
      return;
    case 'clientGone':
      clients.get(word.client)?.close(new StreamClosedError('it is gone'));
      return;
    case 'vatLost':
      return lost(word.launch, word.reason, word.what);
    case 'sites':
      return sites.answered(word.question, word.answer);
    case 'sitesTakenBack':
      return sites.takenBack();
    case 'ping':
      // The heartbeat asks about the thread: the kernel tells of its own end.
      return post({ type: 'pong' });
    case 'stop':
      void stop().catch(tellFailure);
  }
};
self.addEventListener('message', ({ data }: MessageEvent<ToKernelWorker>) =>
  obey(data),
);

// Held until this worker is no more: that is how its death is noticed.
void navigator.locks.request(self.name, () => {
  post({ type: 'alive', name: self.name });
  return new Promise(() => {});
});
