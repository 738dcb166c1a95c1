import harden from '@endo/harden';
import {
  encodeError,
  isSessionId,
  isVatId,
  makeKref,
  type CapData,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import type { Refcounts } from '../gc/refcounts.ts';
import type { Promises } from '../promises.ts';
import type {
  BirthRow,
  ChildRow,
  ServiceObjectRow,
} from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import { dropUnusedBundle } from '../bundles.ts';
import { answerQuestions } from './vat-admin-ends.ts';
import { giveQuotaBack, letGoOfQuota } from './vat-admin-quotas.ts';

type Parts = { readonly refcounts: Refcounts; readonly promises: Promises };

/** The row of a vat that has just been made under a quota; inside a crank, as all of these. */
export const addChild = (
  state: State,
  { refcounts }: Pick<Parts, 'refcounts'>,
  {
    maker,
    vat,
    quota,
    bytes,
    node,
  }: Pick<ChildRow, 'vat' | 'quota' | 'bytes' | 'node'> &
    Pick<BirthRow, 'maker'>,
): void => {
  const done = makeKref('promise', state.allot('promise'));
  state.promises.put({
    kref: done,
    state: 'unresolved',
    decider: null,
    subscribers: [],
    body: null,
    slots: [],
    refs: 0,
    maker,
    settler: null,
    isLeft: 1,
  });
  refcounts.hold(done);
  // No more than the table has: a birth has more.
  state.children.put({ vat, quota, bytes, node, done, isEnded: 0 });
};
harden(addChild);

const NOT_TOLD = encodeError(
  'Error',
  'the vat has ended itself with words that name objects or promises, and these are not passed on',
);

/**
 * The vat ends, or is about to in this crank, and this is what its maker hears of
 * it. The first word counts. References are not told: one to the node would keep
 * the node, which keeps the promise that tells it.
 */
export const settleChild = (
  state: State,
  parts: Parts,
  vat: VatId,
  { isRejected, data }: { isRejected: boolean; data: CapData<Kref> },
): void => {
  const child = state.children.get(vat);
  if (child && parts.promises.get(child.done).state === 'unresolved') {
    const answer =
      data.slots.length === 0
        ? { isRejected, data }
        : { isRejected: true, data: NOT_TOLD };
    parts.promises.resolve(child.done, answer.isRejected, answer.data);
    answerQuestions(state, parts, child.done, answer);
  }
};
harden(settleChild);

const forget = (
  state: State,
  refcounts: Refcounts,
  { vat, done }: ChildRow,
): void => {
  state.children.delete(vat);
  refcounts.release(done);
};

/** The vat is no more: its maker hears of it, and gets the quota back. */
export const endChild = (
  state: State,
  parts: Parts,
  vat: VatId,
  reason: string,
): void => {
  settleChild(state, parts, vat, {
    isRejected: true,
    data: encodeError('Error', reason),
  });
  const child = state.children.get(vat);
  if (child) {
    giveQuotaBack(state, child.quota, child);
    if (state.serviceObjects.has(child.node)) {
      state.children.put({ ...child, isEnded: 1 });
    } else {
      forget(state, parts.refcounts, child);
    }
  }
};
harden(endChild);

/** The row of a birth goes, and what it held; inside a crank. */
export const removeBirth = (
  state: State,
  refcounts: Refcounts,
  { id, slots, promise }: BirthRow,
): void => {
  state.births.delete(id);
  slots.forEach(refcounts.release);
  if (promise !== null) {
    refcounts.release(promise);
  }
};
harden(removeBirth);

/** A birth comes to nothing; inside a crank. */
export const rejectBirth = (
  state: State,
  { refcounts, promises }: Parts,
  row: BirthRow,
  problem: string,
): void => {
  if (row.promise !== null) {
    const text = `vat ${row.name} was not made: ${problem}`;
    promises.resolve(row.promise, true, encodeError('Error', text));
  }
  removeBirth(state, refcounts, row);
  giveQuotaBack(state, row.quota, row);
  dropUnusedBundle(state, row.bundle);
};
harden(rejectBirth);

/** Nobody is there any more who could get the vat, or no cluster that it would be in. */
export const isBirthOver = (
  state: State,
  { maker, cluster }: Pick<BirthRow, 'maker' | 'cluster'>,
): boolean =>
  !state.clusters.has(cluster) ||
  (isVatId(maker) && !state.vats.has(maker)) ||
  (isSessionId(maker) && !state.sessions.has(maker));
harden(isBirthOver);

export const MAKER_ENDED = 'whoever asked for it has ended';

/** Endpoints have just left the tables: what they were to get is not made; inside that crank. */
export const rejectBirthsOfEnded = (state: State, parts: Parts): void => {
  for (const row of [...state.births.values()]) {
    if (isBirthOver(state, row)) {
      rejectBirth(state, parts, row, MAKER_ENDED);
    }
  }
};
harden(rejectBirthsOfEnded);

/** An object of the service is no more; its row has left the tables. */
export const letGoOfAdministration = (
  state: State,
  refcounts: Refcounts,
  { kref, kind, data }: ServiceObjectRow,
): void => {
  if (kind === 'administrator') {
    letGoOfQuota(state, Number(data));
  } else {
    const child = state.childByNode.get(kref);
    if (child?.isEnded) {
      forget(state, refcounts, child);
    }
  }
};
harden(letGoOfAdministration);
