import { describe, expect, it } from 'vitest';
import {
  makeSessionId,
  makeVatId,
  type EndpointId,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { boundsOf } from './bounds.ts';
import { openMemoryKernelDb } from './adapters/memory.ts';
import { makeCrankParts } from './crank.ts';
import { EndpointFault } from './faults.ts';
import { makeSessionNames, type NamesOfSession } from './session-names.ts';
import { makeState } from './store/state.ts';
import { dataOf, send, vref } from './testing/stage.ts';

const ALICE = makeVatId(1);
const CLIENT = makeSessionId(1);
const LISTENER = 'o+1';

const answer = (result: Vref) =>
  ['resolve', [[result, false, dataOf('answer')] as const]] as const;

/** A client and a vat that knows its listener as `o-50`; who says what is up to the test. */
const setScene = (clearedPerCrank = 200) => {
  const state = makeState(openMemoryKernelDb());
  const parts = makeCrankParts(state, {
    bounds: boundsOf({ roundMessages: 1, notifiesTogether: 1 }),
    onArrival: () => {},
    onExit: () => {},
    clearedPerCrank,
    afterCrank: () => {},
  });
  const names = makeSessionNames(state, parts);
  const session: NamesOfSession = {
    sent: 0,
    seen: 0,
    lastNamed: new Map(),
    lingering: new Set(),
  };
  const say = (endpoint: EndpointId, syscall: Syscall): void =>
    parts.run(() => parts.applySyscall(endpoint, syscall));
  const listener = parts.run(() => {
    const kref = parts.clists.addExport(CLIENT, vref(LISTENER));
    parts.clists.add(ALICE, kref, vref('o-50'));
    return kref;
  });
  /** What the vat has sent leaves for the client; gives the vrefs of its arguments and of its answer. */
  const deliver = (): { slots: readonly Vref[]; result: Vref } => {
    const item = parts.inbox.head(CLIENT);
    const flight = item && parts.flights.prepare(CLIENT, item);
    if (flight?.delivery[0] !== 'message') {
      throw Error('nothing waits for the client');
    }
    parts.run(() => parts.flights.land(flight));
    session.sent += 1;
    names.noteNamed(CLIENT, session, flight.named);
    const { methargs, result } = flight.delivery[2];
    return { slots: methargs.slots, result: vref(String(result)) };
  };
  return {
    parts,
    names,
    session,
    listener,
    say,
    deliver,
    remembered: () => [...session.lastNamed.keys()],
  };
};

describe('what a session remembers of the deliveries that named things', () => {
  it('is of what it has names for: nothing is left of messages that were answered (invariant 12)', () => {
    const { parts, names, session, listener, say, deliver, remembered } =
      setScene();
    for (let nth = 1; nth <= 100; nth += 1) {
      say(ALICE, send('o-50', 'tell', [`o+${nth}`], `p+${nth}`));
      const { slots, result } = deliver();
      expect(remembered()).toHaveLength(3);
      session.seen = session.sent;
      parts.run(() => {
        names.resolve(CLIENT, session, answer(result));
        names.drop(CLIENT, session, slots);
      });
    }
    expect(remembered()).toEqual([listener]);
  });

  it.each(['retireExports', 'abandonExports'] as const)(
    'goes with an object of its own at its %s',
    kind => {
      const { parts, names, session, listener, say, deliver, remembered } =
        setScene();
      say(ALICE, send('o-50', 'tell'));
      deliver();
      expect(remembered()).toEqual([listener]);
      parts.run(() => {
        const entry = parts.clists.entry(CLIENT, listener);
        if (entry && kind === 'retireExports') {
          parts.clists.unreach(entry);
          names.retireExports(CLIENT, session, [vref(LISTENER)]);
        } else {
          names.giveUp(CLIENT, session, [kind, [vref(LISTENER)]]);
        }
      });
      expect(remembered()).toEqual([]);
    },
  );

  it('is kept of a promise that a delivery on its way names again, until the client has heard that', () => {
    const { parts, names, session, listener, say, deliver, remembered } =
      setScene();
    say(ALICE, send('o-50', 'ask', [], 'p+1'));
    const { result } = deliver();
    session.seen = session.sent;
    say(ALICE, send('o-50', 'look', ['p+1']));
    const { slots } = deliver();
    expect(slots).toEqual([result]);
    parts.run(() => names.resolve(CLIENT, session, answer(result)));
    expect(remembered()).toHaveLength(2);
    session.seen = session.sent;
    parts.run(() => names.forgetRetired(CLIENT, session));
    expect(remembered()).toEqual([listener]);
  });

  it('goes with a name that its client has given up by the time a delivery named it', () => {
    const { parts, names, session, listener, say, deliver, remembered } =
      setScene();
    say(ALICE, send('o-50', 'tell'));
    deliver();
    expect(remembered()).toEqual([listener]);
    const entry = parts.clists.entry(CLIENT, listener);
    parts.run(() => entry && parts.clists.remove(entry));
    names.noteNamed(CLIENT, session, [listener]);
    expect(remembered()).toEqual([]);
  });

  it('leaves the name of a promise that is settled in steps to a client that waits for it (invariant 9)', () => {
    const { parts, names, session, say, deliver } = setScene(1);
    say(ALICE, send('o-50', 'ask', [], 'p+1'));
    const { result } = deliver();
    session.seen = session.sent;
    say(ALICE, send('p+1', 'one'));
    say(ALICE, send('p+1', 'two'));
    say(ALICE, send('o-50', 'look', ['p+1']));
    deliver();
    parts.run(() => names.resolve(CLIENT, session, answer(result)));
    session.seen = session.sent;
    say(CLIENT, ['subscribe', result]);
    parts.run(() => names.forgetRetired(CLIENT, session));
    while (!parts.promises.isDone()) {
      parts.run(() => parts.promises.step());
    }
    const kref = parts.clists.entryOfVref(CLIENT, result)?.kref;
    expect(kref && parts.inbox.hasNotify(CLIENT, kref)).toBe(true);
  });
});

describe('a name that is retired', () => {
  it('is held once, until its client has heard of the last delivery that retires it', () => {
    const { parts, names, session } = setScene();
    const retire = (delivery: number) =>
      parts.run(() => {
        names.retireLater(CLIENT, [{ kref, vref: vref('p-7') }], delivery);
      });
    const hear = (seen: number) => {
      session.seen = seen;
      parts.run(() => names.forgetRetired(CLIENT, session));
      return parts.promises.get(kref).refs;
    };
    const kref = parts.run(() => parts.clists.addExport(ALICE, vref('p+7')));
    retire(1);
    retire(2);
    expect([hear(0), hear(1), hear(2)]).toEqual([2, 2, 1]);
  });

  it('that the client never had is a fault of the client', () => {
    const { parts, names, session } = setScene();
    expect(() =>
      parts.run(() =>
        names.giveUp(CLIENT, session, ['forgetPromises', [vref('p-7')]]),
      ),
    ).toThrow(EndpointFault);
  });
});
