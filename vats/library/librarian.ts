/**
 * A librarian who may fetch from a whole encyclopedia, and lends a reader, whom
 * nobody need trust, the shelf with its summaries alone, for looking.
 */
import { provide, type Baggage } from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E } from '@endo/far';
import { M } from '@endo/patterns';

type Fetch = {
  attenuate(caveats: {
    readonly pathPrefix: string;
    readonly methods: readonly string[];
  }): Fetch;
};
type Reader = { receive(shelf: Fetch): void };
type Parameters = { readonly shelf: string };

const LibrarianI = M.interface('Librarian', {
  bootstrap: M.callWhen(M.record(), M.record()).returns(),
  getShelf: M.call().returns(M.string()),
});

export const buildRootObject = (
  _vatPowers: unknown,
  { shelf }: Parameters,
  baggage: Baggage,
) => {
  provide(baggage, 'shelf', () => shelf);
  return makeExo('Librarian', LibrarianI, {
    async bootstrap(
      { reader }: { readonly reader: Reader },
      { encyclopedia }: { readonly encyclopedia: Fetch },
    ) {
      const lent = await E(encyclopedia).attenuate(
        harden({ pathPrefix: shelf, methods: ['GET'] }),
      );
      await E(reader).receive(lent);
    },
    /** Under which path everything lies that the reader can see. */
    getShelf() {
      return baggage.get('shelf') as string;
    },
  });
};
