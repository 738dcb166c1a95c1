import harden from '@endo/harden';
import type { Ledger } from './table-ledger.ts';

/** What the kit needs of a table's ledger, whatever its rows are. */
export type AnyLedger = Omit<Ledger<never>, 'write'>;

/** The crank that is open, and the ledgers that it has written to. */
export const makeCrank = () => {
  const ledgers = new Set<AnyLedger>();
  let open = false;
  const insist = (wanted: boolean, doing: string): void => {
    if (open !== wanted) {
      throw Error(
        wanted ? `${doing}: no crank is open` : `${doing}: a crank is open`,
      );
    }
  };
  const end = (doing: 'keep' | 'undo'): void => {
    insist(true, doing);
    for (const ledger of ledgers) {
      ledger[doing]();
    }
    ledgers.clear();
    open = false;
  };
  const journal = harden({
    begin: () => {
      insist(false, 'begin');
      open = true;
    },
    keep: () => end('keep'),
    undo: () => end('undo'),
  });
  return {
    journal,
    insist,
    isOpen: () => open,
    join: (ledger: AnyLedger) => {
      ledgers.add(ledger);
    },
  };
};
harden(makeCrank);
