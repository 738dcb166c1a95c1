import harden from '@endo/harden';
import {
  isPromiseKref,
  type Kref,
  type ObjectInspection,
  type PromiseInspection,
} from '@cooperage/protocol';
import { insistRow } from '../faults.ts';
import { isSettled } from '../promise-state.ts';
import type { State } from '../store/state.ts';
import { cap } from './capped.ts';
import { makeHolders, showHolder } from './holders.ts';
import { makeMentions } from './mentions.ts';
import { findLife } from './why-alive.ts';

/** Holders, subscribers and names that an answer lists. */
const MOST_LISTED = 100;

/** What a person can learn of an object or promise that is in the tables. */
export const inspectReference = (
  state: State,
  kref: Kref,
): ObjectInspection | PromiseInspection => {
  const mentions = makeMentions(state);
  const holders = makeHolders(state);
  const common = {
    ...mentions.ref(kref),
    holders: cap(holders.of(kref), MOST_LISTED, holder =>
      showHolder(holder, mentions),
    ),
    life: findLife(state, kref, { holders, mentions }),
  };
  if (isPromiseKref(kref)) {
    const row = insistRow(state.promises.get(kref), `promise ${kref}`);
    return {
      ...common,
      kind: 'promise',
      state: isSettled(row) ? row.state : 'unresolved',
      decider: row.decider && mentions.endpoint(row.decider),
      subscribers: cap(row.subscribers, MOST_LISTED, mentions.endpoint),
      names: cap(row.slots, MOST_LISTED, mentions.ref),
      parked: state.queueByName.count(kref),
      counts: { holders: row.refs },
    };
  }
  const row = insistRow(state.objects.get(kref), `object ${kref}`);
  const { owner, reachable, recognizable } = row;
  return {
    ...common,
    kind: 'object',
    exporter: owner && mentions.endpoint(owner),
    exportedAs: (owner && state.clists.get(owner, kref)?.vref) ?? null,
    counts: { reachable, recognizable },
  };
};
harden(inspectReference);
