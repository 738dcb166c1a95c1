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

/** A vat that writes down what it is told, durably and in order, and one that passes on to it. */
export const LEDGER = JSON.stringify({
  name: 'ledger',
  bootstrap: 'relay',
  vats: {
    relay: scriptOf(`imports => {
      const { E, Far } = imports['@endo/far'];
      const buildRootObject = (vatPowers, parameters, baggage) => Far('Relay', {
        bootstrap: vats => baggage.init('book', vats.book),
        write: line => E(baggage.get('book')).write(line),
      });
      return { buildRootObject };
    }`),
    book: scriptOf(`imports => {
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
        });
      };
      return { buildRootObject };
    }`),
  },
});

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
