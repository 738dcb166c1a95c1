import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  isVatId,
  type EndpointId,
  type EndpointInspection,
  type Reference,
  type VatFacts,
  type VatId,
} from '@cooperage/protocol';
import type { CListRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import { cap } from './capped.ts';
import { makeMentions } from './mentions.ts';
import { makePowers } from './powers.ts';

/** Exports and imports that an answer lists. */
const MOST_LISTED = 100;
/** Rows of its c-list that are counted, the newest ones. */
const MOST_ROWS = 200_000;

/** What there is to tell of a vat beside its references. */
export type FactsOf = (vat: VatId) => Omit<VatFacts, 'powers'> | undefined;

/** What a person can learn of a vat or session that is in the tables. */
export const inspectEndpoint = (
  state: State,
  endpoint: EndpointId,
  factsOf: FactsOf,
): EndpointInspection => {
  const mentions = makeMentions(state);
  const powers = makePowers(state, mentions);
  const rows = state.clistByEndpoint.values(endpoint);
  const exports: CListRow[] = [];
  const imports: CListRow[] = [];
  let promises = 0;
  const unseen = Math.max(0, rows.length - MOST_ROWS);
  // An endpoint gets its references one after the other: the last are the newest.
  for (let index = rows.length - 1; index >= unseen; index -= 1) {
    const row = rows[index];
    if (row === undefined) {
      break;
    }
    if (isPromiseKref(row.kref)) {
      promises += 1;
    } else {
      (isExportVref(row.vref) ? exports : imports).push(row);
    }
  }
  const isReachable = ({ kref }: CListRow): boolean =>
    (state.objects.get(kref)?.reachable ?? 0) > 0;
  const show =
    (reachable: (row: CListRow) => boolean) =>
    (row: CListRow): Reference => ({
      ...mentions.ref(row.kref),
      vref: row.vref,
      reachable: reachable(row),
    });
  const isHeld = ({ reachable }: CListRow): boolean => reachable === 1;
  const root = state.vats.get(endpoint as VatId)?.root;
  const held = imports.filter(isHeld).length;
  const isPower = (row: CListRow): boolean =>
    isHeld(row) && powers.isPower(row.kref);
  const facts = isVatId(endpoint) ? factsOf(endpoint) : undefined;
  return {
    ...mentions.endpoint(endpoint),
    kind: isVatId(endpoint) ? 'vat' : 'session',
    root: root === undefined ? null : mentions.ref(root),
    vat: facts
      ? {
          ...facts,
          powers: cap(imports.filter(isPower), MOST_LISTED, ({ kref }) =>
            powers.show(kref),
          ),
        }
      : null,
    counts: {
      exports: exports.length,
      exportsReachable: exports.filter(isReachable).length,
      imports: held,
      importsRecognizable: imports.length - held,
      promises,
      decides: state.promisesByDecider.count(endpoint),
      waiting: state.queueByName.count(endpoint),
    },
    unseen,
    exports: cap(exports, MOST_LISTED, show(isReachable)),
    imports: cap(imports, MOST_LISTED, show(isHeld)),
  };
};
harden(inspectEndpoint);
