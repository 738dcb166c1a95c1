/**
 * A process that streams messages through two vats until it is killed, and
 * meanwhile launches and ends clusters, has vats be born and ended, and upgrades
 * the vat that counts. It writes a line for each thing that happens: `opening`,
 * then `counts` with how often each earlier message was done, and `there` with the
 * clusters, vats and the version of the code that it found; then `done` with each
 * message's name, and `has` with each deed, at the moment at which its sender has
 * heard so, and `asks` with each deed before it is asked for. With `check` it ends
 * after `there` by itself.
 */
import '@cooperage/client/lockdown';
import { findInconsistencies } from '@cooperage/kernel/testing/recount';
import { writeSync } from 'node:fs';
import { openKernel } from '../open-kernel.ts';

const IN_FLIGHT = 32;
/** What a kill has left shows in the first of them; a recount after each one would make the stream a trickle. */
const RECOUNTED_CRANKS = 30;

const scriptOf = (source: string) => ({
  bundle: {
    text: JSON.stringify({
      moduleFormat: 'cooperageScript',
      source,
      imports: ['@endo/far', '@agoric/vat-data'],
    }),
  },
});

/** The code of the vat that counts; the version is told by each start. */
const counterOf = (version: number) =>
  scriptOf(`imports => {
      const { Far } = imports['@endo/far'];
      const { makeScalarBigMapStore, provide } = imports['@agoric/vat-data'];
      const buildRootObject = (vatPowers, parameters, baggage) => {
        const counts = provide(baggage, 'counts', () =>
          makeScalarBigMapStore('counts', { durable: true }));
        return Far('Counter', {
          add: name => counts.has(name)
            ? counts.set(name, counts.get(name) + 1)
            : counts.init(name, 1),
          list: () => harden([...counts.entries()]),
          version: () => ${version},
        });
      };
      return { buildRootObject };
    }`);

const LEDGER = {
  name: 'ledger',
  bootstrap: 'relay',
  services: ['vatAdmin'],
  bundles: { counter: counterOf(0).bundle },
  vats: {
    relay: scriptOf(`imports => {
      const { E, Far } = imports['@endo/far'];
      const { makeScalarBigMapStore, provide } = imports['@agoric/vat-data'];
      const buildRootObject = (vatPowers, parameters, baggage) => {
        const nodes = provide(baggage, 'nodes', () =>
          makeScalarBigMapStore('nodes', { durable: true }));
        return Far('Relay', {
          bootstrap: (vats, { vatAdmin }) => {
            baggage.init('counter', vats.counter);
            baggage.init('vatAdmin', vatAdmin);
          },
          add: name => E(baggage.get('counter')).add(name),
          list: () => E(baggage.get('counter')).list(),
          version: () => E(baggage.get('counter')).version(),
          bear: async name => {
            const { root, node } = await E(baggage.get('vatAdmin')).createVat('counter', { name });
            nodes.init(name, node);
            await E(root).add(name);
          },
          bury: name => E(nodes.get(name)).terminate(),
        });
      };
      return { buildRootObject };
    }`),
    counter: counterOf(0),
  },
};

// Synchronous, so that no line is lost between the event and the kill.
const tell = (line: string): void => void writeSync(1, `${line}\n`);

const [folder = '', name = '', turn = '0'] = process.argv.slice(2);
let cranks = 0;
tell('opening');
const kernel = await openKernel(
  { folder, isVerbose: false },
  {
    // Folds into the vats' files all the time, so that some kills hit one.
    foldMilliseconds: 0,
    // Who kills just any moment would have a vat be taken for the cause.
    trialMilliseconds: 0,
    afterCrank: (state, isSwept) => {
      cranks += 1;
      const problems =
        cranks > RECOUNTED_CRANKS ? [] : findInconsistencies(state, isSwept);
      if (problems.length > 0) {
        tell(`broken ${problems.join('; ')}`);
      }
    },
  },
);
const { E, kernel: facade } = kernel.console;
if (!kernel.status().clusters.some(each => each.name === LEDGER.name)) {
  await facade.launch(LEDGER);
}
type Relay = {
  add(name: string): void;
  list(): [string, number][];
  version(): number;
  bear(name: string): void;
  bury(name: string): void;
};
// What the ledger's root is, only the text above knows.
const relay = E((await facade.root('ledger')) as Relay);
tell(`counts ${JSON.stringify(await relay.list())}`);

const there = kernel
  .status()
  .clusters.flatMap(({ name: cluster, vats }) => [
    `cluster ${cluster}`,
    ...vats.map(vat => `vat ${vat.name}`),
  ]);
tell(`there ${JSON.stringify([await relay.version(), ...there])}`);

const isOfUpgrade = (problem: unknown): boolean =>
  Object(problem).name === 'vatUpgraded';

const stream = async (lane: number): Promise<never> => {
  for (let number = 0; ; number += 1) {
    const message = `${name}-${lane}-${number}`;
    try {
      await relay.add(message);
      tell(`done ${message}`);
    } catch (problem) {
      // Nobody knows whether the counter had done it before it was upgraded.
      if (!isOfUpgrade(problem)) {
        throw problem;
      }
    }
  }
};

const does = async (deed: string, work: Promise<unknown>): Promise<void> => {
  tell(`asks ${deed}`);
  await work;
  tell(`has ${deed}`);
};

/** What may be done to vats, one after the other. */
const LIVES: readonly ((each: string, nth: number) => Promise<void>)[] = [
  async each => {
    const config = { name: each, vats: { [each]: counterOf(0) } };
    await does(`made cluster ${each}`, facade.launch(config));
    await does(`ended cluster ${each}`, facade.terminate(each));
  },
  async each => {
    await does(`made vat ${each}`, relay.bear(each));
    await does(`ended vat ${each}`, relay.bury(each));
  },
  async (_each, nth) => {
    const version = 1_000 * Number(turn) + nth;
    await does(
      `upgraded ${version}`,
      facade.upgrade('ledger', 'counter', counterOf(version).bundle),
    );
  },
];

const live = async (): Promise<never> => {
  for (let nth = Number(turn); ; nth += 1) {
    await LIVES[nth % LIVES.length]?.(`${name}-${nth}`, nth);
  }
};

if (name === 'check') {
  await kernel.stop();
} else {
  await Promise.all([
    live(),
    ...Array.from({ length: IN_FLIGHT }, (_, lane) => stream(lane)),
  ]);
}
