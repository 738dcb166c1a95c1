export {
  listenOnScope,
  makeChromeCollector,
  runVatWorker,
  type VatWorkerPowers,
} from './vat-worker-main.ts';
export { startSupervisor, type SupervisorPowers } from './supervisor.ts';
export { makeVatStore, type VatStore } from './vat-store.ts';
