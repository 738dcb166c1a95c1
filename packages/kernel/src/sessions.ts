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
import type { State } from './store/state.ts';
import { checkSyscalls, ownField, parseKind } from './translate/check.ts';

/** What the holder of a session is told. */
export type SessionHolder = {
  /** `number` counts what this session has been told; `seen` the batches of syscalls that were applied before. */
  deliver(number: number, delivery: Delivery, seen: number): void;
  /** The kernel ended the session; nothing follows. */
  ended(reason: string): void;
};

type Session = {
  readonly holder: SessionHolder;
  /** Number of the last delivery. */
  sent: number;
  /** Batches applied. */
  applied: number;
  /** The delivery that last named an import: a drop sent before it was seen is stale. */
  readonly lastNamed: Map<Kref, number>;
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
    limits,
  }: { parts: CrankParts; lives: Lives; outputs: Outputs; limits: VatLimits },
) => {
  const sessions = new Map<SessionId, Session>();

  const end = (id: SessionId, reason: string): void => {
    const session = sessions.get(id);
    if (!session) {
      return;
    }
    sessions.delete(id);
    parts.run(() => lives.endSession({ id }, reason));
    outputs.leave(() => session.holder.ended(reason));
  };

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

  const forgetRetired = (id: SessionId, seen: number): void => {
    for (const row of state.retiringBySession.values(id)) {
      if (row.delivery <= seen) {
        state.retiring.delete(id, row.vref);
        parts.refcounts.release(row.kref);
      }
    }
  };

  const isStaleDrop = (id: SessionId, vref: Vref, seen: number): boolean => {
    const kref = parts.clists.entryOfVref(id, vref)?.kref;
    const named = kref && sessions.get(id)?.lastNamed.get(kref);
    return kref === undefined || (named !== undefined && named > seen);
  };

  const apply = (id: SessionId, syscall: Syscall, seen: number): void => {
    if (syscall[0] !== 'dropImports') {
      faultUnless(syscall[0] !== 'exit', () => 'a session ends by closing');
      parts.applySyscall(id, syscall);
      return;
    }
    const vrefs = syscall[1].filter(vref => !isStaleDrop(id, vref, seen));
    for (const vref of vrefs) {
      const kref = parts.clists.entryOfVref(id, vref)?.kref;
      if (kref) {
        sessions.get(id)?.lastNamed.delete(kref);
      }
    }
    parts.applySyscall(id, ['dropImports', vrefs]);
    parts.applySyscall(id, ['retireImports', vrefs]);
  };

  const open = (label: string, holder: SessionHolder): SessionId => {
    const id = parts.run(() => {
      const made = makeSessionId(state.allot('session'));
      state.sessions.put({ id: made, label });
      return made;
    });
    sessions.set(id, { holder, sent: 0, applied: 0, lastNamed: new Map() });
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
        const { fields } = parseKind({ type: 'syscalls', ...Object(message) });
        const seen = ownField(fields, 'seen');
        faultUnless(
          Number.isSafeInteger(seen) && Number(seen) <= session.sent,
          () => 'seen is no number of a delivery',
        );
        const budget = { units: limits.unitsPerCrank };
        const syscalls = checkSyscalls(
          ownField(fields, 'syscalls'),
          limits,
          budget,
        );
        syscalls.forEach(syscall => apply(id, syscall, Number(seen)));
        forgetRetired(id, Number(seen));
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
    const session = sessions.get(id);
    if (!item || !session) {
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
        if (!isPromiseKref(kref)) {
          session.lastNamed.set(kref, sent);
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
            row,
            'the kernel was restarted: its session is over',
          ),
        );
      }
    },
  };
};
harden(makeSessions);

export type Sessions = ReturnType<typeof makeSessions>;
