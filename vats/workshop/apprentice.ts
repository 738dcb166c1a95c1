/**
 * An apprentice who was made by another vat. It has the tools in `parameters.powers`
 * and nothing else: whatever it tries beside them comes to nothing.
 */
import { provide, type Baggage } from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E, Far } from '@endo/far';

type Bench = {
  put(piece: string): number;
  readonly [method: string]: (piece: string) => unknown;
};
type Parameters = {
  readonly motto: string;
  readonly powers: { readonly bench: Bench };
};
type VatPowers = {
  exitVat(completion: unknown): void;
  exitVatWithFailure(reason: Error): void;
};

/** What a vat might hope to find in its realm. */
const ELSEWHERE = [
  'chrome',
  'fetch',
  'indexedDB',
  'localStorage',
  'postMessage',
  'process',
  'WebSocket',
  'Worker',
  'XMLHttpRequest',
  'vatAdmin',
  'kernel',
];

export const buildRootObject = (
  vatPowers: VatPowers,
  { motto, powers }: Parameters,
  baggage: Baggage,
) => {
  provide(baggage, 'made', () => 0);
  return makeExo('Apprentice', undefined, {
    getMotto: () => motto,
    /** Puts a piece on the bench, and gives how many lie there. */
    async make(piece: string) {
      baggage.set('made', (baggage.get('made') as number) + 1);
      return E(powers.bench).put(piece);
    },
    countMade: () => baggage.get('made'),
    /** The names of its tools. */
    listPowers: () => harden(Object.keys(powers)),
    /** What there is to be found in its realm of what would lead elsewhere. */
    lookAround: () =>
      harden(ELSEWHERE.filter(name => Reflect.has(globalThis, name))),
    /** Asks the bench for more than it has; gives what it is told. */
    async reach(method: string) {
      try {
        return `got ${String(await E(powers.bench)[method]?.(method))}`;
      } catch (problem) {
        return (problem as Error).message;
      }
    },
    leave(words: string) {
      vatPowers.exitVat(words);
    },
    storm(words: string) {
      vatPowers.exitVatWithFailure(Error(words));
    },
    /** An object of its own that dies with its heap. */
    makeSketch: () => Far('Sketch', { describe: () => 'a sketch' }),
  });
};
