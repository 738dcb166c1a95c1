import '@cooperage/vat-supervisor/lockdown';
import { runVatWorker } from '@cooperage/vat-supervisor';

/** The vat host's one message: this vat's port to the kernel. */
const onPort = ({ data }: MessageEvent<{ readonly port: MessagePort }>) => {
  globalThis.removeEventListener('message', onPort);
  runVatWorker(data.port);
};
globalThis.addEventListener('message', onPort);
