import '@cooperage/vat-supervisor/lockdown';
import {
  listenOnScope,
  makeChromeCollector,
  runVatWorker,
} from '@cooperage/vat-supervisor';

/** The vat host's one message: this vat's port to the kernel. */
const onPort = ({ data }: MessageEvent<{ readonly port: MessagePort }>) => {
  globalThis.removeEventListener('message', onPort);
  runVatWorker(data.port, {
    collectGarbage: makeChromeCollector(),
    onUnhandledRejection: listenOnScope,
  });
};
globalThis.addEventListener('message', onPort);
