import harden from '@endo/harden';
import {
  isPromiseKref,
  makeServiceId,
  type CapData,
  type Kref,
  type ServiceId,
} from '@cooperage/protocol';
import type { Refcounts } from '../gc/refcounts.ts';
import type { Promises } from '../promises.ts';
import type { CallRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import { refuseUnless } from './refusal.ts';
import { LATER, type Call } from './service.ts';

/** Whose objects the administrators and the nodes are. */
export const VAT_ADMIN: ServiceId = makeServiceId('vatAdmin');
harden(VAT_ADMIN);

/** Questions how one vat ends that wait for their answers at once. */
export const MOST_QUESTIONS = 100;

type Parts = {
  readonly refcounts: Refcounts;
  readonly promises: Pick<Promises, 'get' | 'resolve'>;
};

/** True for the row of a question how a vat ends: these alone count to a promise, the one that tells it. */
export const isQuestion = ({ object }: Pick<CallRow, 'object'>): boolean =>
  isPromiseKref(object);
harden(isQuestion);

/** The call has its answer, and needs nothing any more; inside a crank, as all of these. */
export const settleCall = (
  state: State,
  { refcounts, promises }: Parts,
  { id, promise, slots }: CallRow,
  { isRejected, data }: { isRejected: boolean; data: CapData<Kref> },
): void => {
  state.calls.delete(id);
  slots.forEach(refcounts.release);
  if (promise !== null) {
    promises.resolve(promise, isRejected, data);
    refcounts.release(promise);
  }
};
harden(settleCall);

/** Questions that nobody can hear the answer of, as when a session or a heap has gone that asked. */
export const listUnheard = (
  state: State,
  { promises }: Pick<Parts, 'promises'>,
): CallRow[] =>
  [...state.calls.values()].filter(
    row =>
      isQuestion(row) &&
      row.promise !== null &&
      promises.get(row.promise).refs === 1,
  );
harden(listUnheard);

export const forgetUnheard = (state: State, parts: Parts): void => {
  for (const { id, promise } of listUnheard(state, parts)) {
    state.calls.delete(id);
    if (promise !== null) {
      parts.refcounts.release(promise);
    }
  }
};
harden(forgetUnheard);

/**
 * Answers how a vat ends, when it has ended; `done` tells it. The answer is never
 * that promise itself: a durable watcher knows the promise that it has asked with,
 * and what that had led to is forgotten with the next heap. Throws Refusal.
 */
export const askForEnd = (
  state: State,
  parts: Parts,
  { result }: Pick<Call, 'result'>,
  done: Kref,
): typeof LATER => {
  if (result === null) {
    return LATER;
  }
  const { state: known, body, slots } = parts.promises.get(done);
  if (known !== 'unresolved') {
    const isRejected = known === 'rejected' || known === 'rejecting';
    parts.promises.resolve(result, isRejected, { body: body ?? '', slots });
    return LATER;
  }
  const isFull = (): boolean =>
    state.callsByObject.count(done) >= MOST_QUESTIONS;
  if (isFull()) {
    forgetUnheard(state, parts);
  }
  refuseUnless(
    !isFull(),
    () =>
      `${MOST_QUESTIONS} calls wait to hear how the vat ends, and no more may`,
    'RangeError',
  );
  state.calls.put({
    id: state.allot('call'),
    service: VAT_ADMIN,
    object: done,
    promise: result,
    slots: [],
  });
  parts.refcounts.hold(result);
  return LATER;
};
harden(askForEnd);

/** The vat has ended: all who have asked are told. */
export const answerQuestions = (
  state: State,
  parts: Parts,
  done: Kref,
  answer: { isRejected: boolean; data: CapData<Kref> },
): void =>
  state.callsByObject
    .values(done)
    .forEach(row => settleCall(state, parts, row, answer));
harden(answerQuestions);
