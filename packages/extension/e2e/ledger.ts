import { makeLivesAudit } from '@cooperage/kit/lives-audit';
import type { Extension } from './harness.ts';

const scriptOf = (source: string) => ({
  bundle: {
    text: JSON.stringify({
      moduleFormat: 'cooperageScript',
      source,
      imports: ['@endo/far'],
    }),
  },
  // A worker that is lost without a word is found soon; it is no fault of its vat.
  deadline: 2_000,
  onFault: 'restart',
});

/** The code of the vat that writes down; its version is told by it. */
const bookOf = (version: number) =>
  scriptOf(`imports => {
      const { Far } = imports['@endo/far'];
      const buildRootObject = (vatPowers, parameters, baggage) => {
        if (!baggage.has('length')) baggage.init('length', 0);
        return Far('Book', {
          write: line => {
            const length = baggage.get('length');
            baggage.init('line ' + length, line);
            baggage.set('length', length + 1);
          },
          read: () => harden(Array.from(
            { length: baggage.get('length') },
            (_, index) => baggage.get('line ' + index),
          )),
          version: () => ${version},
        });
      };
      return { buildRootObject };
    }`);

/** A vat that writes down what it is told, durably and in order, and one that passes on to it and makes others. */
export const LEDGER = JSON.stringify({
  name: 'ledger',
  bootstrap: 'relay',
  services: ['vatAdmin'],
  bundles: { book: bookOf(0).bundle },
  vats: {
    relay: scriptOf(`imports => {
      const { E, Far } = imports['@endo/far'];
      const buildRootObject = (vatPowers, parameters, baggage) => Far('Relay', {
        bootstrap: (vats, { vatAdmin }) => {
          baggage.init('book', vats.book);
          baggage.init('vatAdmin', vatAdmin);
        },
        write: line => E(baggage.get('book')).write(line),
        bear: async name => {
          const { node } = await E(baggage.get('vatAdmin')).createVat('book', { name, policy: { deadline: 2000, onFault: 'restart' } });
          baggage.init('node ' + name, node);
        },
        bury: name => E(baggage.get('node ' + name)).terminate(),
      });
      return { buildRootObject };
    }`),
    book: bookOf(0),
  },
});

/** What may be done to vats, by words for it: an expression for the console. */
const deedsOf = (
  name: string,
  version: number,
): readonly (readonly [string, string])[] => {
  const cluster = { name, vats: { [name]: bookOf(0) } };
  const relay = `E(E(kernel).root('ledger', 'relay'))`;
  return [
    [`made cluster ${name}`, `E(kernel).launch(${JSON.stringify(cluster)})`],
    [`ended cluster ${name}`, `E(kernel).terminate('${name}')`],
    [`made vat ${name}`, `${relay}.bear('${name}')`],
    [`ended vat ${name}`, `${relay}.bury('${name}')`],
    [
      `upgraded ${version}`,
      `E(kernel).upgrade('ledger', 'book', ${JSON.stringify(bookOf(version).bundle)})`,
    ],
  ];
};

/** Makes, ends and upgrades vats, one after the other, and knows what has to be so. */
export const makeLivesLane = () => {
  const audit = makeLivesAudit();
  let version = 0;
  return {
    /** Does all of it once, under a name that nothing had before; rejects when it is broken off. */
    live: async (extension: Extension, name: string): Promise<void> => {
      version += 1;
      for (const [deed, expression] of deedsOf(name, version)) {
        audit.asks(deed);
        await extension.inConsole(`${expression}.then(() => {})`);
        audit.has(deed);
      }
    },
    count: audit.count,
    wrong: async (extension: Extension): Promise<readonly string[]> => {
      const found: number = await extension.inConsole(
        `E(E(kernel).root('ledger', 'book')).version()`,
      );
      const there: readonly string[] = await extension.inConsole(
        `E(kernel).status().then(({ clusters }) => clusters.flatMap(({ name, vats }) =>
          ['cluster ' + name, ...vats.map(vat => 'vat ' + vat.name)]))`,
      );
      return audit.wrongOf(found, there);
    },
  };
};

/** Every line in the book, in the order in which they were written. */
export const readBook = (extension: Extension): Promise<readonly string[]> =>
  extension.inConsole(`E(E(kernel).root('ledger', 'book')).read()`);

/** What is wrong with the order of the lines of one batch, each ending with its number. */
const isInOrder = (lines: readonly string[]): boolean => {
  const numbers = lines.map(line => Number(line.split('#')[1]));
  return numbers.every((each, index) => each > (numbers[index - 1] ?? -1));
};

/**
 * Batch after batch to one vat: what was sent, and what was acknowledged of it
 * outside. Order is promised within a batch: a later one may come from another
 * session, and so from another sender.
 */
export const makeLane = (name: string, vat: 'relay' | 'book') => {
  const batches: string[] = [];
  const acknowledged: string[] = [];
  return {
    acknowledged,
    /** Sends so many lines at once. Gives how many were acknowledged; rejects when nobody can be asked any more. */
    send: async (extension: Extension, count: number): Promise<number> => {
      const batch = `${name}, batch ${batches.length} `;
      batches.push(batch);
      const lines = Array.from(
        { length: count },
        (_, index) => `${batch}#${index}`,
      );
      const heard = await extension.inConsole<
        readonly boolean[]
      >(`(async () => {
        const root = await E(kernel).root('ledger', '${vat}');
        const answers = await Promise.allSettled(
          ${JSON.stringify(lines)}.map(line => E(root).write(line)),
        );
        return answers.map(({ status }) => status === 'fulfilled');
      })()`);
      const done = lines.filter((_, index) => heard[index]);
      acknowledged.push(...done);
      return done.length;
    },
    /** What is wrong with the book as far as this lane goes. */
    audit: (book: readonly string[]): readonly string[] => {
      const known = new Set(book);
      return [
        ...acknowledged
          .filter(line => !known.has(line))
          .map(line => `lost: ${line}`),
        // A line that was done twice is out of order too.
        ...batches
          .filter(
            batch => !isInOrder(book.filter(line => line.startsWith(batch))),
          )
          .map(batch => `done twice, or out of order: ${batch}`),
      ];
    },
  };
};
export type Lane = ReturnType<typeof makeLane>;
