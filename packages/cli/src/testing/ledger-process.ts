/**
 * A process that streams messages through two vats until it is killed. It
 * writes a line for each thing that happens: `opening`, then `counts` with how
 * often each earlier message was done, then `done` with each message's name at
 * the moment at which its sender has heard so. With `check` it ends after
 * `counts` by itself.
 */
import '@cooperage/client/lockdown';
import { findInconsistencies } from '@cooperage/kernel/testing/recount';
import { writeSync } from 'node:fs';
import { openKernel } from '../open-kernel.ts';

const IN_FLIGHT = 64;
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

const LEDGER = {
  name: 'ledger',
  bootstrap: 'relay',
  vats: {
    relay: scriptOf(`imports => {
      const { E, Far } = imports['@endo/far'];
      const buildRootObject = (vatPowers, parameters, baggage) => Far('Relay', {
        bootstrap: vats => baggage.init('counter', vats.counter),
        add: name => E(baggage.get('counter')).add(name),
        list: () => E(baggage.get('counter')).list(),
      });
      return { buildRootObject };
    }`),
    counter: scriptOf(`imports => {
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
        });
      };
      return { buildRootObject };
    }`),
  },
};

// Synchronous, so that no line is lost between the event and the kill.
const tell = (line: string): void => void writeSync(1, `${line}\n`);

const [folder = '', name = ''] = process.argv.slice(2);
let cranks = 0;
tell('opening');
const kernel = await openKernel(
  { folder, isVerbose: false },
  {
    // Folds into the vats' files all the time, so that some kills hit one.
    foldMilliseconds: 0,
    afterCrank: state => {
      cranks += 1;
      const problems =
        cranks > RECOUNTED_CRANKS ? [] : findInconsistencies(state);
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
type Relay = { add(name: string): void; list(): [string, number][] };
// What the ledger's root is, only the text above knows.
const relay = E((await facade.root('ledger')) as Relay);
tell(`counts ${JSON.stringify(await relay.list())}`);

const stream = async (lane: number): Promise<never> => {
  for (let number = 0; ; number += 1) {
    const message = `${name}-${lane}-${number}`;
    await relay.add(message);
    tell(`done ${message}`);
  }
};

if (name === 'check') {
  await kernel.stop();
} else {
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, (_, lane) => stream(lane)),
  );
}
