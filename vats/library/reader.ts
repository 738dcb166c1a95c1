/**
 * A reader with one shelf of an encyclopedia: it looks up what a word means, and
 * keeps a list of what came of each look, through losses of its heap too.
 */
import {
  prepareExo,
  provide,
  watchPromise,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E } from '@endo/far';
import { M } from '@endo/patterns';

/** Of the list; older ones go. */
const MOST_LOOKS = 100;

type Answer = {
  readonly status: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};
type Shelf = { fetch(url: string): Answer };
type Parameters = { readonly summaries: string };

const WatcherI = M.interface('Watcher', {
  onFulfilled: M.call(M.record(), M.string()).returns(),
  onRejected: M.call(M.any(), M.string()).returns(),
});
const ReaderI = M.interface('Reader', {
  receive: M.call(M.remotable()).returns(),
  lookUp: M.callWhen(M.string()).returns(M.string()),
  read: M.call(M.string()).returns(M.promise()),
  listLooks: M.call().returns(M.arrayOf(M.string())),
});

export const buildRootObject = (
  _vatPowers: unknown,
  { summaries }: Parameters,
  baggage: Baggage,
) => {
  provide(baggage, 'looks', () => harden([] as string[]));
  const listLooks = () => baggage.get('looks') as string[];
  const note = (line: string) =>
    baggage.set('looks', harden([...listLooks(), line].slice(-MOST_LOOKS)));
  const getShelf = () => baggage.get('shelf') as Shelf;

  /** Hears of an answer whatever became of the heap that asked. */
  const watcher = prepareExo(baggage, 'Watcher', WatcherI, {
    onFulfilled({ status }: Answer, url: string) {
      note(`${url}: ${status}`);
    },
    onRejected(problem: Error, url: string) {
      note(`${url}: ${problem.message}`);
    },
  });

  const read = (url: string): Promise<Answer> => {
    const answer = E(getShelf()).fetch(url);
    watchPromise(answer, watcher, url);
    return answer;
  };

  return makeExo('Reader', ReaderI, {
    receive(shelf: Shelf) {
      if (baggage.has('shelf')) {
        baggage.set('shelf', shelf);
      } else {
        baggage.init('shelf', shelf);
      }
    },
    /** What an article is about, in a few sentences. */
    async lookUp(title: string) {
      const url = `${summaries}${encodeURIComponent(title)}`;
      const { status, text } = await read(url);
      if (status !== 200) {
        throw Error(`There is no article ${title}: the answer is ${status}`);
      }
      return String(JSON.parse(text).extract);
    },
    /** Whatever the shelf gives for that address. */
    read,
    listLooks,
  });
};
