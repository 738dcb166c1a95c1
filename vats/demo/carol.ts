/**
 * Carol owns a notebook, and hands it out: whoever has it writes into it
 * without asking her. It is durable, and so are the references to it.
 */
import { prepareExoClass, provide, type Baggage } from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { M } from '@endo/patterns';

const NotebookI = M.interface('Notebook', {
  write: M.call(M.string()).returns(M.number()),
  read: M.call().returns(M.arrayOf(M.string())),
});
const CarolI = M.interface('Carol', {
  hello: M.call(M.string()).returns(M.string()),
  getNotebook: M.call().returns(M.remotable()),
  makeNotebook: M.call().returns(M.remotable()),
});

const noLines = (): { lines: readonly string[] } => ({ lines: harden([]) });

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const makeNotebook = prepareExoClass(
    baggage,
    'Notebook',
    NotebookI,
    noLines,
    {
      /** Adds a line and returns how many there are. */
      write(line: string) {
        this.state.lines = harden([...this.state.lines, line]);
        return this.state.lines.length;
      },
      read() {
        return this.state.lines;
      },
    },
  );
  const notebook = provide(baggage, 'notebook', () => makeNotebook());

  return makeExo('Carol', CarolI, {
    hello(name: string) {
      return `Hello ${name}, this is carol.`;
    },
    getNotebook() {
      return notebook;
    },
    makeNotebook() {
      return makeNotebook();
    },
  });
};

export type Carol = ReturnType<typeof buildRootObject>;
export type Notebook = ReturnType<Carol['getNotebook']>;
