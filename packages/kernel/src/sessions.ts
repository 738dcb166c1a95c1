import harden from '@endo/harden';
import {
  CooperageError,
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
import { mostsOf } from './bounds.ts';
import type { CrankParts } from './crank.ts';
import { EndpointFault, faultUnless, insistRow } from './faults.ts';
import type { Chores } from './gc/chores.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { Lives } from './lives.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import { makeSessionNames, type NamesOfSession } from './session-names.ts';
import type { State } from './store/state.ts';
import type { Flight } from './translate/to-endpoint.ts';
import {
  checkSyscalls,
  makeBudget,
  ownField,
  parseFields,
} from './translate/check.ts';
import { makeUnread, type Unread } from './unread.ts';

/** What the holder of a session is told. */
export type SessionHolder = {
  /** `number` counts what this session has been told; `seen` the batches of syscalls that were applied before. */
  deliver(number: number, delivery: Delivery, seen: number): void;
  /** The session has ended, and why; nothing follows. */
  ended(reason: CooperageError): void;
};

/** Deliveries that a client may leave unacknowledged; one more ends its session. */
const MOST_UNSEEN = 10_000;
/** Units with which it gets no more before it has acknowledged some: what waits in its inbox is counted and bounded. */
const ENOUGH_UNSEEN_UNITS = 10_000_000;

type Session = NamesOfSession & {
  readonly holder: SessionHolder;
  readonly unread: Unread;
  /** Batches applied. */
  applied: number;
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
    onEnded,
    chores,
    options,
  }: {
    options: KernelOptions;
    chores: Chores;
    /** Nothing is to be delivered to it any more. */
    onEnded: (session: SessionId) => void;
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
    parts.run(() => lives.endSessions([id], reason));
    onEnded(id);
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

  const {
    retireLater,
    forgetRetired,
    drop,
    resolve,
    giveUp,
    retireExports,
    noteNamed,
  } = makeSessionNames(state, parts);

  const apply = (id: SessionId, session: Session, syscall: Syscall): void => {
    switch (syscall[0]) {
      case 'dropImports':
        drop(id, session, syscall[1]);
        break;
      case 'resolve':
        resolve(id, session, syscall);
        break;
      case 'retireExports':
        retireExports(id, session, syscall[1]);
        break;
      case 'retireImports':
      case 'abandonExports':
      case 'forgetPromises':
        giveUp(id, session, syscall);
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
      unread: makeUnread(),
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
        session.unread.acknowledge(seen - session.seen);
        session.seen = seen;
        const budget = makeBudget(limits);
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

  const isFull = (id: SessionId, { sent, seen }: Session): boolean => {
    if (sent - seen < MOST_UNSEEN) {
      return false;
    }
    end(id, `the client has not read its last ${MOST_UNSEEN} deliveries`);
    return true;
  };

  /** To be called when the delivery has landed; it leaves with the epoch. */
  const leave = (session: Session, id: SessionId, flight: Flight): void => {
    session.sent += 1;
    const { sent, applied } = session;
    session.unread.add(flight.delivery);
    noteNamed(id, session, flight.named);
    outputs.leave(() => session.holder.deliver(sent, flight.delivery, applied));
  };

  /** Delivers the next item of the session's inbox. */
  const deliverHead = (id: SessionId): void => {
    const item = parts.inbox.head(id);
    const session = insistRow(sessions.get(id), `session ${id}`);
    if (!item || isFull(id, session)) {
      return;
    }
    chores.yield(id);
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
      leave(session, id, flight);
    }
  };

  /** Tells the session what is due to it. */
  const deliverChore = (id: SessionId): void => {
    const session = insistRow(sessions.get(id), `session ${id}`);
    if (isFull(id, session)) {
      return;
    }
    const flight = chores.next(id);
    if (flight) {
      parts.run(() => parts.flights.land(flight));
      leave(session, id, flight);
    }
  };

  return {
    /** Throws CooperageError LIMIT_REACHED when no client may have one more. */
    insistRoom: (): void => {
      if (sessions.size >= mostsOf(options).sessions) {
        throw new CooperageError(
          'LIMIT_REACHED',
          `${sessions.size} sessions are open, and no more may be: close one first`,
        );
      }
    },
    open,
    end,
    receive,
    deliverHead,
    deliverChore,
    /** False while the client has more to read than it should; what waits for it goes on waiting. */
    isReading: (id: SessionId): boolean =>
      (sessions.get(id)?.unread.units() ?? 0) < ENOUGH_UNSEEN_UNITS,
    has: (id: SessionId): boolean => sessions.has(id),
    get size() {
      return sessions.size;
    },

    /**
     * Gives the session, which is open, a reference to an object. The client keeps its drops back
     * until it has heard the answer. Throws CooperageError OBJECT_UNKNOWN when nobody holds it.
     */
    introduce: (id: SessionId, kref: Kref): Vref =>
      parts.run(() => {
        const row = parts.clists.entry(id, kref);
        if (row) {
          return row.vref;
        }
        if (!state.objects.get(kref)?.reachable) {
          throw new CooperageError(
            'OBJECT_UNKNOWN',
            `Nobody holds ${kref} any more: its exporter may have let it go`,
          );
        }
        const made = makeImportVref('object', parseKref(kref)?.index ?? 0);
        parts.clists.add(id, kref, made);
        return made;
      }),

    /** Ends what an earlier run of the kernel left. */
    purge: (): void => {
      const left = [...state.sessions.values()].map(({ id }) => id);
      if (left.length > 0) {
        const reason = 'the kernel was restarted: its session is over';
        parts.run(() => lives.endSessions(left, reason));
      }
    },
  };
};
harden(makeSessions);

export type Sessions = ReturnType<typeof makeSessions>;
