import harden from '@endo/harden';
import type { Kref, SessionId, Syscall, Vref } from '@cooperage/protocol';
import type { CrankParts } from './crank.ts';
import type { State } from './store/state.ts';

/** What a session and the kernel know of each other's words. */
export type NamesOfSession = {
  /** Number of the last delivery. */
  sent: number;
  /** Number of the last delivery that the client is known to have heard. */
  seen: number;
  /** The delivery that last named a reference: what the client does to its name before it has seen that is stale. */
  readonly lastNamed: Map<Kref, number>;
  /** Promises that the client has settled and that a delivery on its way names: their names go when it was seen. */
  readonly lingering: Set<Kref>;
};

/** Syscalls that take names out of the c-list. */
type GivingUp = Extract<
  Syscall,
  readonly [
    'retireImports' | 'retireExports' | 'abandonExports' | 'forgetPromises',
    ...unknown[],
  ]
>;

/**
 * Names that cross their own end on the way: the client drops, settles or
 * retires what a delivery that it has not seen yet names or has retired already.
 */
export const makeSessionNames = (state: State, parts: CrankParts) => {
  /** Keeps the names of retired promises until the session has heard that they are. */
  const retireLater = (
    id: SessionId,
    names: readonly { kref: Kref; vref: Vref }[],
    delivery: number,
  ): void => {
    for (const { kref, vref } of names) {
      if (!state.retiring.has(id, vref)) {
        parts.refcounts.hold(kref);
      }
      state.retiring.put({ session: id, vref, kref, delivery });
    }
  };

  /** True when a delivery that the client has not seen yet names the reference. */
  const isNamedAgain = (session: NamesOfSession, kref: Kref): boolean =>
    (session.lastNamed.get(kref) ?? 0) > session.seen;

  /** Its name is needed to tell the client what the promise comes to. */
  const isToHear = (id: SessionId, kref: Kref): boolean =>
    parts.inbox.hasNotify(id, kref) ||
    state.promises.get(kref)?.subscribers.includes(id) === true;

  /** The client has heard that these names are retired: they may go. */
  const forgetRetired = (id: SessionId, session: NamesOfSession): void => {
    const { seen, lastNamed, lingering } = session;
    let row = state.retiringBySession.first(id);
    while (row && row.delivery <= seen) {
      state.retiring.delete(id, row.vref);
      parts.refcounts.release(row.kref);
      row = state.retiringBySession.first(id);
    }
    for (const kref of lingering) {
      if (!isNamedAgain(session, kref)) {
        lingering.delete(kref);
        lastNamed.delete(kref);
        const entry = parts.clists.entry(id, kref);
        if (entry && !isToHear(id, kref)) {
          parts.clists.remove(entry);
        }
      }
    }
  };

  /** The client has no use for the names any more: nothing of them is remembered. */
  const giveUp = (
    id: SessionId,
    { lastNamed }: NamesOfSession,
    syscall: GivingUp,
  ): void => {
    const named = syscall[1].flatMap(
      vref => parts.clists.entryOfVref(id, vref)?.kref ?? [],
    );
    parts.applySyscall(id, syscall);
    named.forEach(kref => lastNamed.delete(kref));
  };

  const drop = (
    id: SessionId,
    session: NamesOfSession,
    vrefs: readonly Vref[],
  ): void => {
    const fresh = vrefs.filter(vref => {
      const kref = parts.clists.entryOfVref(id, vref)?.kref;
      return kref === undefined || !isNamedAgain(session, kref);
    });
    parts.applySyscall(id, ['dropImports', fresh]);
    giveUp(id, session, ['retireImports', fresh]);
  };

  /** The client retires what it resolves; a delivery on its way to it may name that all the same. */
  const resolve = (
    id: SessionId,
    session: NamesOfSession,
    syscall: Extract<Syscall, readonly ['resolve', ...unknown[]]>,
  ): void => {
    const rows = syscall[1].flatMap(
      ([vref]) => parts.clists.entryOfVref(id, vref) ?? [],
    );
    parts.applySyscall(id, syscall);
    for (const { kref, vref } of rows) {
      if (isNamedAgain(session, kref)) {
        parts.clists.add(id, kref, vref);
        session.lingering.add(kref);
      } else {
        session.lastNamed.delete(kref);
      }
    }
  };

  /** Exports of which the kernel has told it on the way that they are retired are gone. */
  const retireExports = (
    id: SessionId,
    session: NamesOfSession,
    vrefs: readonly Vref[],
  ): void =>
    giveUp(id, session, [
      'retireExports',
      vrefs.filter(vref => parts.clists.entryOfVref(id, vref)),
    ]);

  /** The last delivery has named these. */
  const noteNamed = (
    id: SessionId,
    { sent, lastNamed }: NamesOfSession,
    krefs: Iterable<Kref>,
  ): void => {
    for (const kref of krefs) {
      // Of what it no longer has a name for there is nothing to remember.
      if (state.clists.has(id, kref)) {
        lastNamed.set(kref, sent);
      } else {
        lastNamed.delete(kref);
      }
    }
  };

  return {
    retireLater,
    forgetRetired,
    drop,
    resolve,
    giveUp,
    retireExports,
    noteNamed,
  };
};
harden(makeSessionNames);
