/**
 * The vat's worker under Node. Bundled into one strict classic script, it runs
 * as the text of a `worker_threads` worker; `makeThreadVats` starts it.
 */
import '@cooperage/vat-supervisor/lockdown';
import {
  makeDirectCollector,
  runVatWorker,
} from '@cooperage/vat-supervisor/vat-worker';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';

const { on } = process;

/** Node can allocate what makes Chrome give up, so it is asked for its collector by name. */
const findCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') {
    throw Error('this engine gives no gc() to a flag');
  }
  return () => void Reflect.apply(collect, undefined, []);
};

if (parentPort === null) {
  throw Error('this runs as a worker, started by makeThreadVats');
}
const processOn = on.bind(process);
// Node warns of each rejection that is handled late; liveslots handles them late by design.
process.removeAllListeners('warning');
Reflect.deleteProperty(globalThis, 'process');
runVatWorker(parentPort, {
  collectGarbage: makeDirectCollector(findCollector()),
  onUnhandledRejection: report => void processOn('unhandledRejection', report),
});
