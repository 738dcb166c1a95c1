/**
 * SwingSet with two local vats of our program, nothing durable. It runs where
 * its packages are installed, started with a folder and the program's text; each
 * message is a number of round trips, its answer milliseconds.
 */
import '@endo/init/pre-bundle-source.js';
import '@endo/init';
import { kslot } from '@agoric/kmarshal';
import { initSwingStore } from '@agoric/swing-store';
import {
  initializeSwingset,
  makeSwingsetController,
} from '@agoric/swingset-vat';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const [program] = process.argv.slice(2);
const sourceSpec = fileURLToPath(new URL('vat.js', import.meta.url));
writeFileSync(
  sourceSpec,
  `import * as far from '@endo/far';
export const { buildRootObject } = (${program})({ '@endo/far': far });
`,
);

const { kernelStorage, hostStorage } = initSwingStore();
const config = {
  vats: { near: { sourceSpec }, far: { sourceSpec } },
  defaultManagerType: 'local',
  // Its default, a collection after each delivery, would be most of the time.
  defaultReapInterval: 1000,
};
await initializeSwingset(config, [], kernelStorage, {
  addComms: false,
  addVattp: false,
  addTimer: false,
});
const controller = await makeSwingsetController(kernelStorage, {});
await controller.run();
const far = kslot(controller.pinVatRoot('far'), 'Bench');
controller.pinVatRoot('near');

process.on('message', async ({ count }) => {
  const start = performance.now();
  controller.queueToVatRoot('near', 'roundTrips', [count, far]);
  await controller.run();
  await hostStorage.commit();
  process.send(performance.now() - start);
});
process.send('ready');
