/** The process that is profiled in Node: it sends what it found to its parent. */
import '@cooperage/client/lockdown';
import { BroadcastChannel } from 'node:worker_threads';
import { timeRoundTrips, timeStream } from './cases/console-work.ts';
import { startNodeOurs } from './stages/ours-node.ts';

/** This one, and those of the two vats. */
const THREADS = 3;

/** Says a word to all threads (see `profile-thread.cjs`) and gathers what each answers. */
const ask = (word: 'start' | 'stop'): Promise<readonly unknown[]> =>
  new Promise(resolve => {
    const channel = new BroadcastChannel('cooperage-profile');
    const answers: unknown[] = [];
    channel.onmessage = (event: unknown) => {
      answers.push(Reflect.get(Object(event), 'data'));
      if (answers.length === THREADS) {
        channel.close();
        resolve(answers);
      }
    };
    channel.postMessage(word);
  });

const { isStreamed, count } = JSON.parse(process.argv[2] ?? '{}');
const ours = await startNodeOurs('durable');
const run = (trips: number): Promise<number> =>
  isStreamed
    ? ours.run(timeStream, { count: trips, inFlight: 1_000 })
    : ours.run(timeRoundTrips, { count: trips });
await run(5_000);
await ask('start');
const milliseconds = await run(count);
const profiles = await ask('stop');
await ours.stop();
process.send?.({ milliseconds, profiles }, () => process.exit(0));
