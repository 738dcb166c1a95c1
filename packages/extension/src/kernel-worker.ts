import '@cooperage/client/lockdown';
import { makeKernel, type Kernel } from '@cooperage/kernel';
import { PROTOCOL_VERSION } from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  StreamClosedError,
  type DuplexStream,
} from '@cooperage/streams';
import type { FromKernelWorker, ToKernelWorker } from './control-words.ts';
import { makePlatform } from './kernel-worker/platform.ts';
import { makeVatLauncher } from './kernel-worker/vat-launcher.ts';

declare const self: DedicatedWorkerGlobalScope;

const HELLO_MILLISECONDS = 30_000;

const post = (word: FromKernelWorker, transfer: Transferable[] = []): void =>
  self.postMessage(word, transfer);

const { launcher, lost } = makeVatLauncher(post);
const clients = new Map<string, DuplexStream<unknown, unknown>>();

const start = async (): Promise<Kernel> =>
  makeKernel(await makePlatform(launcher), {
    // With one alone, a vat that spins would stop all others.
    parallel: Math.max(2, navigator.hardwareConcurrency),
  });
const running = start();

const tellFailure = (problem: unknown): void => {
  const reason = problem instanceof Error ? problem.message : String(problem);
  post({ type: 'failed', reason });
};

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

const beat = (kernel: Kernel): void => {
  const { state, reason } = kernel.status();
  if (state === 'failed') {
    tellFailure(reason ?? 'it has failed');
  } else {
    post({ type: 'pong' });
  }
};

const stop = async (): Promise<void> => {
  const kernel = await running;
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
    case 'ping':
      // The heartbeat asks about the thread while the kernel still starts.
      post({ type: 'pong' });
      void running.then(beat, () => {});
      return;
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
running.catch(tellFailure);
