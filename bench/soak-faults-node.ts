/**
 * The process that `soak-faults.mjs` starts and kills: a kernel over a folder with
 * vats that send each other messages of every kind, while they are restarted,
 * suspended, upgraded, and ended. It tells its parent what it has done, and every
 * few seconds what there is.
 */
import '@cooperage/client/lockdown';
import { makeConsole } from '@cooperage/client';
import { makeKernel } from '@cooperage/kernel';
import { SCHEMA } from '@cooperage/kernel/schema';
import { CHURN_CONFIG } from '@cooperage/kit/churn';
import { makeThreadVats, openFolderPlatform } from '@cooperage/node';
import { makeMessagePortStream, makeRpc } from '@cooperage/streams';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';

setFlagsFromString('--expose-gc');
const collectHeap: () => void = runInNewContext('gc');

const { folder, seed, sampleSeconds } = JSON.parse(process.argv[2] ?? '{}');
const CHAINS = 10;
const DEEDS = 40;
const PAUSE_BETWEEN_FAULTS = 3_000;

/** A vat that counts: what it has answered may never be less than that. */
const TALLY = {
  name: 'tally',
  vats: {
    tally: {
      onFault: 'restart',
      bundle: {
        text: JSON.stringify({
          moduleFormat: 'cooperageScript',
          source: `imports => {
            const { Far } = imports['@endo/far'];
            const buildRootObject = (_powers, _parameters, baggage) => {
              if (!baggage.has('sum')) baggage.init('sum', 0);
              return Far('Tally', {
                add: () => { baggage.set('sum', baggage.get('sum') + 1); return baggage.get('sum'); },
                read: () => baggage.get('sum'),
              });
            };
            return { buildRootObject };
          }`,
          imports: ['@endo/far'],
        }),
      },
    },
  },
};

const state = { seed: Number(seed) };
/** Whole numbers below a bound: Park and Miller's. */
const roll = (below: number): number => {
  state.seed = (state.seed * 48_271) % 2_147_483_647;
  return state.seed % below;
};
const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => void setTimeout(resolve, milliseconds));
const tell = (message: object): void => void process.send?.(message);

const platform = await openFolderPlatform({
  folder,
  vats: makeThreadVats({
    script: readFileSync(new URL('vat-worker.js', import.meta.url), 'utf8'),
  }),
  log: ({ level, text }) => {
    if (level === 'error') {
      console.error(text);
    }
  },
});
const kernel = makeKernel(platform);
const { port1, port2 } = new MessageChannel();
kernel.connect(makeMessagePortStream(port1, { label: 'soak' }), {
  privilege: 'dangerous',
  label: 'soak',
});
const { E, kernel: facade } = makeConsole({
  connect: async onNotify =>
    makeRpc(makeMessagePortStream(port2, { label: 'kernel' }), { onNotify }),
});
type Methods = Record<string, (...args: readonly unknown[]) => unknown>;
const send = (
  target: object,
  method: string,
  ...args: readonly unknown[]
): Promise<unknown> => Promise.resolve(E(target as Methods)[method]?.(...args));

/** What whoever waits for a vat is told when its heap or it goes; a heap that is new does not know the other vat. */
const isOfFault = (problem: unknown): boolean =>
  Object(problem).name === 'vatUpgraded' ||
  /vatUpgraded|is gone: its vat|terminated|typeof target is "undefined"|no such|CLUSTER_UNKNOWN|there is no/i.test(
    `${String(problem)} ${Object(problem).code}`,
  );

const has = (name: string): boolean =>
  kernel.status().clusters.some(each => each.name === name);
for (const config of [TALLY, CHURN_CONFIG]) {
  if (!has(config.name)) {
    await facade.launch(config);
  }
}
const tally = await facade.root('tally');
tell({ found: await send(tally, 'read') });

const latencies: number[] = [];
const counts = { deeds: 0, faults: 0 };

const countOn = async (): Promise<never> => {
  for (;;) {
    const begin = performance.now();
    const sum = await send(tally, 'add');
    latencies.push(performance.now() - begin);
    tell({ answered: sum });
    await pause(20);
  }
};

/** Churns until a fault breaks it off, again and again. */
const churn = async (): Promise<never> => {
  for (;;) {
    try {
      const left = await facade.root('churn', 'left');
      const right = await facade.root('churn', 'right');
      await Promise.all([send(left, 'meet', right), send(right, 'meet', left)]);
      for (;;) {
        await Promise.all(
          [left, right].map(each => send(each, 'churn', DEEDS, CHAINS)),
        );
        counts.deeds += 2 * DEEDS;
      }
    } catch (problem) {
      if (!isOfFault(problem)) {
        throw problem;
      }
      await pause(50);
    }
  }
};

const FAULTS: readonly ((vat: string) => Promise<unknown>)[] = [
  vat => facade.restart('churn', vat),
  async vat => {
    await facade.suspend('churn', vat);
    await pause(100);
    await facade.resume('churn', vat);
  },
  vat => facade.upgrade('churn', vat, CHURN_CONFIG.vats.left.bundle),
  async () => {
    await facade.terminate('churn');
    await facade.launch(CHURN_CONFIG);
  },
];
const makeFaults = async (): Promise<never> => {
  for (;;) {
    await pause(PAUSE_BETWEEN_FAULTS / 2 + roll(PAUSE_BETWEEN_FAULTS));
    await FAULTS[roll(FAULTS.length)]?.(roll(2) ? 'left' : 'right');
    counts.faults += 1;
  }
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? 0;

const sample = async (): Promise<never> => {
  for (;;) {
    await pause(1_000 * sampleSeconds);
    collectHeap();
    const files = readdirSync(folder).filter(name => name.includes('.sqlite'));
    const sorted = latencies.splice(0).sort((one, other) => one - other);
    tell({
      sample: {
        heap: process.memoryUsage().heapUsed,
        resident: process.memoryUsage().rss,
        rows: SCHEMA.reduce(
          (rows, { name }) => rows + platform.db.load(name).length,
          0,
        ),
        bytes: files.reduce(
          (bytes, name) => bytes + statSync(join(folder, name)).size,
          0,
        ),
        median: percentile(sorted, 0.5),
        late: percentile(sorted, 0.99),
        ...counts,
      },
    });
    Object.assign(counts, { deeds: 0, faults: 0 });
  }
};

await Promise.all([countOn(), churn(), makeFaults(), sample()]);
