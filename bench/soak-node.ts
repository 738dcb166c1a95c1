/**
 * The process that soaks: rounds of messages of every kind between two vats, and
 * of a console with both, and a collection after each; it sends its parent what every heap holds then, and
 * how many rows there are.
 */
import '@cooperage/client/lockdown';
import { CHURN_CONFIG } from '@cooperage/kit/churn';
import { BroadcastChannel } from 'node:worker_threads';
import { launchAll } from './cases/start-work.ts';
import { startNodeOurs } from './stages/ours-node.ts';
import type { Realm } from './stage.ts';

/** This one and those of the vats: two that soak, two of the cluster `bench`. */
const THREADS = 5;

/** After so long an idleness the stores are folded into their files. */
const FOLD_MILLISECONDS = 2_000;

type Heap = { readonly thread: number; readonly bytes: number };

/** Asks all threads (see `soak-thread.cjs`); in the order in which they were started. */
const readHeaps = (): Promise<readonly Heap[]> =>
  new Promise(resolve => {
    const channel = new BroadcastChannel('cooperage-soak');
    const heaps: Heap[] = [];
    channel.onmessage = (event: unknown) => {
      heaps.push(Reflect.get(Object(event), 'data') as Heap);
      if (heaps.length === THREADS) {
        channel.close();
        resolve(heaps.sort((one, other) => one.thread - other.thread));
      }
    };
    channel.postMessage('heap');
  });

/** A vat calls an object of the console's, sends it to another vat and back, and gives the console things of its own: presences that come and go. */
const visit = async ({ send, Far }: Realm, one: unknown, other: unknown) => {
  const listener = Far('Listener', { ping: () => 'pong' });
  await send(one, 'callBack', listener);
  await send(other, 'mark', listener);
  const given = await send(one, 'give', 'durable');
  await send(other, 'echo', [given, listener]);
};

/** Visits at a time; each has four messages of the console's and one to it. */
const VISITS_TOGETHER = 10;

const churn = async (
  realm: Realm,
  { deeds, visits }: { deeds: number; visits: number },
): Promise<void> => {
  const { send, kernel } = realm;
  const left = await send(kernel, 'root', 'churn', 'left');
  const right = await send(kernel, 'root', 'churn', 'right');
  await Promise.all([send(left, 'meet', right), send(right, 'meet', left)]);
  const visiting = async (): Promise<void> => {
    for (let nth = 0; nth < visits; nth += VISITS_TOGETHER) {
      await Promise.all(
        Array.from({ length: VISITS_TOGETHER }, (_, index) =>
          index % 2 === 0
            ? visit(realm, left, right)
            : visit(realm, right, left),
        ),
      );
    }
  };
  await Promise.all([
    ...[left, right].map(each => send(each, 'churn', deeds / 2, 100)),
    visiting(),
  ]);
  await send(kernel, 'collect');
};

const { rounds, deeds, visits } = JSON.parse(process.argv[2] ?? '{}');
const ours = await startNodeOurs('durable');
await ours.run(launchAll, { configs: [CHURN_CONFIG] });
for (let round = 0; round <= rounds; round += 1) {
  await ours.run(churn, { deeds, visits });
  await new Promise(resolve => void setTimeout(resolve, FOLD_MILLISECONDS));
  process.send?.({ heaps: await readHeaps(), rows: await ours.countRows() });
}
await ours.stop();
process.exit(0);
