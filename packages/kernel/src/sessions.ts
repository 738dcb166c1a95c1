import harden from '@endo/harden';
import {
  CooperageError,
  isPromiseKref,
  makeImportVref,
  makeSessionId,
  parseKref,
  type Delivery,
  type Kref,
  type SessionId,
  type Syscall,
  type VatLimits,
  type Vref,
} from '@cooperage/protocol';
import type { CrankParts } from './crank.ts';
import { EndpointFault, faultUnless, insistRow } from './faults.ts';
import type { Lives } from './lives.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { State } from './store/state.ts';
import { checkSyscalls, ownField, parseFields } from './translate/check.ts';

/** What the holder of a session is told. */
export type SessionHolder = {
  /** `number` counts what this session has been told; `seen` the batches of syscalls that were applied before. */
  deliver(number: number, delivery: Delivery, seen: number): void;
  /** The session has ended, and why; nothing follows. */
  ended(reason: CooperageError): void;
};

/** Deliveries that a client may leave unacknowledged; one more ends its session. */
const MOST_UNSEEN = 10_000;

type Session = {
  readonly holder: SessionHolder;
  /** Number of the last delivery. */
  sent: number;
  /** Number of the last delivery that the client is known to have heard. */
  seen: number;
  /** Batches applied. */
  applied: number;
  /** The delivery that last named a reference: what the client does to its name before it has seen that is stale. */
  readonly lastNamed: Map<Kref, number>;
  /** Promises that the client has settled and that a delivery on its way names: their names go when it was seen. */
  readonly lingering: Set<Kref>;
};

/**
 * Sessions: endpoints outside, which act whenever they like and hear of things
 * later. Both sides say how much of the other's words they have heard, so that
 * a name crossing its own retirement on the way still means what it meant.
 */
export const makeSessions = (
  state: State,
  {
    parts,
    lives,
    outputs,
    phase,
    limits,
  }: {
    parts: CrankParts;
    lives: Lives;
    outputs: Outputs;
    phase: Phase;
    limits: VatLimits;
  },
) => {
  const sessions = new Map<SessionId, Session>();

  const end = (id: SessionId, reason: string): void => {
    const session = sessions.get(id);
    if (!session) {
      return;
    }
    sessions.delete(id);
    parts.run(() => lives.endSession(id, reason));
    const { holder } = session;
    outputs.leave(
      () => holder.ended(new CooperageError('SESSION_CLOSED', reason)),
      holder.ended,
    );
  };

  phase.onEnd(problem => {
    const ended = [...sessions.values()];
    sessions.clear();
    ended.forEach(({ holder }) => holder.ended(problem));
  });

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
  const isNamedAgain = (session: Session, kref: Kref): boolean =>
    (session.lastNamed.get(kref) ?? 0) > session.seen;

  /** The client has heard that these names are retired: they may go. */
  const forgetRetired = (id: SessionId, session: Session): void => {
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
        if (entry && !parts.inbox.hasNotify(id, kref)) {
          parts.clists.remove(entry);
        }
      }
    }
  };

  const drop = (
    id: SessionId,
    session: Session,
    vrefs: readonly Vref[],
  ): void => {
    const fresh = vrefs.filter(vref => {
      const kref = parts.clists.entryOfVref(id, vref)?.kref;
      return kref === undefined || !isNamedAgain(session, kref);
    });
    for (const vref of fresh) {
      const kref = parts.clists.entryOfVref(id, vref)?.kref;
      if (kref !== undefined) {
        session.lastNamed.delete(kref);
      }
    }
    parts.applySyscall(id, ['dropImports', fresh]);
    parts.applySyscall(id, ['retireImports', fresh]);
  };

  /** The client retires what it resolves; a delivery on its way to it may name that all the same. */
  const resolve = (
    id: SessionId,
    session: Session,
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
      }
    }
  };

  const apply = (id: SessionId, session: Session, syscall: Syscall): void => {
    switch (syscall[0]) {
      case 'dropImports':
        drop(id, session, syscall[1]);
        break;
      case 'resolve':
        resolve(id, session, syscall);
        break;
      case 'exit':
        throw new EndpointFault('a session ends by closing');
      default:
        parts.applySyscall(id, syscall);
    }
  };

  const open = (label: string, holder: SessionHolder): SessionId => {
    const id = parts.run(() => {
      const made = makeSessionId(state.allot('session'));
      state.sessions.put({ id: made, label });
      return made;
    });
    sessions.set(id, {
      holder,
      sent: 0,
      seen: 0,
      applied: 0,
      lastNamed: new Map(),
      lingering: new Set(),
    });
    return id;
  };

  /** One batch of syscalls, unchecked; applied whole, or the session ends. */
  const receive = (id: SessionId, message: unknown): void => {
    const session = sessions.get(id);
    if (!session) {
      return; // it has ended, and the holder is told or will be
    }
    try {
      parts.run(() => {
        const fields = parseFields(message);
        const seen = ownField(fields, 'seen');
        faultUnless(
          typeof seen === 'number' &&
            Number.isSafeInteger(seen) &&
            seen >= session.seen &&
            seen <= session.sent,
          () => 'seen is no number of a delivery, or an older one than before',
        );
        session.seen = seen;
        const budget = { units: limits.unitsPerCrank };
        const syscalls = checkSyscalls(
          ownField(fields, 'syscalls'),
          limits,
          budget,
        );
        syscalls.forEach(syscall => apply(id, session, syscall));
        forgetRetired(id, session);
      });
      session.applied += 1;
    } catch (problem) {
      if (!(problem instanceof EndpointFault)) {
        throw problem;
      }
      end(id, `the session broke the protocol: ${problem.message}`);
    }
  };

  /** Delivers the next item of the session's inbox; it leaves with the epoch. */
  const deliverHead = (id: SessionId): void => {
    const item = parts.inbox.head(id);
    const session = insistRow(sessions.get(id), `session ${id}`);
    if (!item) {
      return;
    }
    if (session.sent - session.seen >= MOST_UNSEEN) {
      end(id, `the client has not read its last ${MOST_UNSEEN} deliveries`);
      return;
    }
    const flight = parts.run(() => {
      const prepared = parts.flights.prepare(id, item);
      if (!prepared) {
        parts.inbox.remove(item);
        return undefined;
      }
      const retired = prepared.retired.map(kref => ({
        kref,
        vref:
          prepared.additions.get(kref) ??
          insistRow(parts.clists.entry(id, kref), `${kref} of ${id}`).vref,
      }));
      retireLater(id, retired, session.sent + 1);
      parts.flights.land(prepared);
      return prepared;
    });
    if (flight) {
      session.sent += 1;
      const { sent, applied } = session;
      for (const kref of flight.named) {
        // Of what it no longer has a name for there is nothing to remember.
        if (state.clists.has(id, kref)) {
          session.lastNamed.set(kref, sent);
        } else {
          session.lastNamed.delete(kref);
        }
      }
      outputs.leave(() =>
        session.holder.deliver(sent, flight.delivery, applied),
      );
    }
  };

  return {
    open,
    end,
    receive,
    deliverHead,
    has: (id: SessionId): boolean => sessions.has(id),
    get size() {
      return sessions.size;
    },

    /** Gives the session a reference. The client keeps its drops back until it has heard the answer. */
    introduce: (id: SessionId, kref: Kref): Vref => {
      if (!sessions.has(id)) {
        throw new CooperageError(
          'SESSION_CLOSED',
          'Open a session first: references belong to one',
        );
      }
      return parts.run(() => {
        const row = parts.clists.entry(id, kref);
        if (row) {
          return row.vref;
        }
        const kind = isPromiseKref(kref) ? 'promise' : 'object';
        const made = makeImportVref(kind, parseKref(kref)?.index ?? 0);
        parts.clists.add(id, kref, made);
        return made;
      });
    },

    /** Ends what an earlier run of the kernel left. */
    purge: (): void => {
      for (const row of [...state.sessions.values()]) {
        parts.run(() =>
          lives.endSession(
            row.id,
            'the kernel was restarted: its session is over',
          ),
        );
      }
    },
  };
};
harden(makeSessions);

export type Sessions = ReturnType<typeof makeSessions>;
