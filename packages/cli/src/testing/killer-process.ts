/**
 * A process whose kernel has a vat at the word of which the process is killed, as
 * the system kills one that takes all memory: `start` has that vat be sent such a
 * message, `go on` delivers what waits, has the other vat answer, and writes what
 * has become of both.
 */
import '@cooperage/client/lockdown';
import { makeConsole } from '@cooperage/client';
import { makeKernel } from '@cooperage/kernel';
import { makeThreadVats, openFolderPlatform } from '@cooperage/node';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { rawWorkerScript } from '@cooperage/kit/raw-attacks';
import { writeSync } from 'node:fs';

const [folder = '', order] = process.argv.slice(2);
/** When the message is surely on the disk: one that is not is lost, and kills nobody again. */
const STRIKE = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500)`;
const vats = makeThreadVats({
  script: `const { parentPort } = require('node:worker_threads'); const Channel = MessageChannel;
${rawWorkerScript(STRIKE)}
globalThis.attack(parentPort, Channel);`,
});
const kernel = makeKernel(
  await openFolderPlatform({ folder, vats, log: () => {} }),
);
const { E, kernel: facade } = makeConsole({
  connect: async onNotify => {
    const { left, right } = makeStreamPair();
    kernel.connect(left, { privilege: 'dangerous', label: 'test' });
    return makeRpc(right, { onNotify });
  },
});
type Root = { attack(): unknown; greet(): unknown };
// What the roots do, only the script above knows.
const rootOf = async (vat: string): Promise<Root> =>
  (await facade.root('demo', vat)) as Root;

if (order === 'start') {
  const bundle = {
    text: JSON.stringify({ moduleFormat: 'cooperageScript', source: '' }),
  };
  await facade.launch({
    name: 'demo',
    vats: { good: { bundle }, killer: { bundle } },
  });
  await E(await rootOf('killer')).attack();
} else {
  await kernel.idle();
  const answer = await E(await rootOf('good')).greet();
  const [cluster] = kernel.status().clusters;
  const found = cluster?.vats.map(({ name, state, reason }) => [
    name,
    state,
    reason,
  ]);
  writeSync(1, JSON.stringify([answer, found]));
  await kernel.stop();
  process.exit();
}
