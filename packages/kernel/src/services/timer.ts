import harden from '@endo/harden';
import { isServiceId, type EndpointId, type Kref } from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { Phase } from '../phase.ts';
import type { Clock } from '../ports.ts';
import { findRoute, standsFor } from '../router.ts';
import { TIMER, type TimerRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import { weighRepeat } from '../store/weights.ts';
import { insistMilliseconds, insistObject } from './arguments.ts';
import type { ServiceObjects } from './objects.ts';
import { refuseUnless } from './refusal.ts';
import { LATER, type Call, type Service } from './service.ts';
import { writeValue, type Value } from './values.ts';

/** Times that may be waited for by one timer object. */
export const MOST_TIMERS = 1_000;
/** Milliseconds between two times of one alarm. */
export const LEAST_PERIOD = 10;
/** Times of all alarms of one timer object together, in a second: each costs the kernel a crank. An alarm counts one at least. */
export const MOST_A_SECOND = 1_000;
/** A platform's own timers count no further than 2^31 milliseconds: the kernel looks again after a day. */
const LONGEST_SLEEP = 86_400_000;
const TIMES_PER_TURN = 100;
/** How long a time waits for room in the inbox of its handler's vat. */
export const FULL_MILLISECONDS = 1_000;

/**
 * Times: `now()`, `delay(milliseconds)`, `wakeAt(time)` and, for those who must
 * hear of it after a loss of their heap, `wakeAt(time, handler)` and
 * `repeat(period, handler, first)`, which give an alarm that can be canceled. A
 * time that has come is one crank: its row goes, or moves on, with the message.
 */
export const makeTimerService = (
  state: State,
  {
    parts,
    objects,
    clock,
    phase,
    pump,
  }: {
    parts: CrankParts;
    objects: ServiceObjects;
    clock: Clock;
    phase: Phase;
    pump: () => void;
  },
): Service => {
  const { refcounts, promises, usage } = parts;
  let cancelSleep = (): void => {};
  phase.onEnd(() => cancelSleep());

  const next = (): TimerRow | undefined => state.timersByTime.first('all');

  const forget = (row: TimerRow): void => {
    state.timers.delete(row.id);
    for (const held of [row.handler, row.promise]) {
      if (held !== null) {
        refcounts.release(held);
      }
    }
  };

  /** A handler that has not heard of the last time yet hears of this one with it. */
  const isTold = (handler: Kref): boolean => {
    const route = findRoute(state, handler);
    return (
      route.to === 'inbox' &&
      state.wakes.count(`${route.endpoint} ${route.target}`) > 0
    );
  };

  const ownerOf = (handler: Kref): EndpointId | null | undefined => {
    const object = standsFor(state, handler);
    return object && state.objects.get(object)?.owner;
  };

  /** A handler whose vat can't run at the moment may hear of a later time; an object of a service hears of none. */
  const isThere = (handler: Kref): boolean => {
    const owner = ownerOf(handler);
    return Boolean(owner) && !isServiceId(owner);
  };

  const hasRoom = (handler: Kref): boolean => {
    const route = findRoute(state, handler);
    return (
      route.to !== 'inbox' ||
      usage.problemOfMore(route.endpoint, TIMER) === undefined
    );
  };

  const tell = ({ handler, promise, period }: TimerRow, time: number): void => {
    if (promise !== null) {
      promises.resolve(promise, false, writeValue(time));
    }
    if (handler !== null && !(period !== null && isTold(handler))) {
      parts.route({
        target: handler,
        methargs: writeValue(['wake', [time]]),
        result: null,
        sender: TIMER,
      });
    }
  };

  const come = (row: TimerRow, time: number): void => {
    const { handler, period } = row;
    if (period === null && handler !== null && !hasRoom(handler)) {
      // There is no second time at which it would be told.
      state.timers.put({ ...row, time: time + FULL_MILLISECONDS });
      return;
    }
    tell(row, time);
    if (period !== null && handler !== null && isThere(handler)) {
      const missed = Math.floor((time - row.time) / period);
      state.timers.put({ ...row, time: row.time + (missed + 1) * period });
    } else {
      forget(row);
    }
  };

  const wakeUp = (): void => {
    const now = clock.now();
    let left = TIMES_PER_TURN;
    for (
      let row = next();
      row && row.time <= now && left > 0;
      row = next(), left -= 1
    ) {
      const due = row;
      parts.run(() => come(due, now));
    }
    sleep();
    pump();
  };

  /** Until the next time; to be called when it may have changed. */
  const sleep = (): void => {
    cancelSleep();
    const row = next();
    if (row) {
      const milliseconds = Math.max(0, row.time - clock.now());
      cancelSleep = clock.after(Math.min(milliseconds, LONGEST_SLEEP), () =>
        phase.guard(wakeUp),
      );
    }
  };

  /** For which nobody waits any more, as when a heap has gone that did. */
  const listUnheard = (rows: Iterable<TimerRow>): TimerRow[] =>
    [...rows].filter(row => {
      const isAwaited =
        row.promise !== null && promises.get(row.promise).refs > 1;
      return !isAwaited && (row.handler === null || !isThere(row.handler));
    });
  const forgetUnheard = (
    rows: Iterable<TimerRow> = state.timers.values(),
  ): void => listUnheard(rows).forEach(forget);

  /** Why the timer object can't wait for one more time, if it can't. */
  const problemOfMore = (
    timer: Kref,
    row: Pick<TimerRow, 'period'>,
  ): string | undefined => {
    if (state.timersByTimer.count(timer) >= MOST_TIMERS) {
      return `${MOST_TIMERS} times are waited for, and no more may: cancel some, or wait`;
    }
    const rate = state.repeatsPerSecond.of(timer) + weighRepeat(row);
    return rate > MOST_A_SECOND
      ? `its alarms would come ${rate} times a second, more than ${MOST_A_SECOND}: cancel some, or take a longer period`
      : undefined;
  };

  const add = (
    { self, afterCommit }: Call,
    fields: Pick<TimerRow, 'time'> &
      Partial<Pick<TimerRow, 'period' | 'handler' | 'promise' | 'alarm'>>,
  ): void => {
    const timer = self.kref;
    const given = { period: null, handler: null, promise: null, ...fields };
    if (problemOfMore(timer, given) !== undefined) {
      forgetUnheard(state.timersByTimer.values(timer));
    }
    const problem = problemOfMore(timer, given);
    refuseUnless(problem === undefined, () => String(problem), 'RangeError');
    const id = state.allot('timer');
    const row = { id, timer, alarm: null, ...given };
    state.timers.put(row);
    for (const held of [row.handler, row.promise]) {
      if (held !== null) {
        refcounts.hold(held);
      }
    }
    afterCommit(sleep);
  };

  /** Fulfills the call's own answer when the time has come. */
  const resolveAt = (call: Call, time: number): typeof LATER => {
    if (call.result !== null) {
      add(call, { time, promise: call.result });
    }
    return LATER;
  };

  const tellAt = (
    call: Call,
    fields: Pick<TimerRow, 'time' | 'period'> & { handler: Kref },
  ): Value => {
    refuseUnless(
      !isServiceId(ownerOf(fields.handler)),
      () =>
        'a handler is an object of a vat or of a client: none of the kernel’s own hears of a time',
    );
    const alarm = objects.make({
      service: TIMER,
      kind: 'alarm',
      data: '',
      maker: call.sender,
    });
    add(call, { ...fields, alarm: alarm.kref });
    return alarm;
  };

  const timeAfter = (delay: Value): number =>
    insistMilliseconds(
      clock.now() + insistMilliseconds(delay, 'a delay'),
      'a time',
    );

  return harden({
    kinds: {
      timer: {
        now: () => clock.now(),
        delay: call => resolveAt(call, timeAfter(call.args[0])),
        wakeAt: call => {
          const time = insistMilliseconds(call.args[0], 'a time');
          return call.args[1] === undefined
            ? resolveAt(call, time)
            : tellAt(call, {
                time,
                period: null,
                handler: insistObject(call.args[1], 'a handler'),
              });
        },
        repeat: call => {
          const [every, handler, first] = call.args;
          const period = insistMilliseconds(every, 'a period', LEAST_PERIOD);
          return tellAt(call, {
            time:
              first === undefined
                ? timeAfter(period)
                : insistMilliseconds(first, 'the first time'),
            period,
            handler: insistObject(handler, 'a handler'),
          });
        },
      },
      alarm: {
        cancel: ({ self, afterCommit }) => {
          const row = state.timerByAlarm.get(self.kref);
          if (row) {
            forget(row);
            afterCommit(sleep);
          }
          return row !== undefined;
        },
      },
    },
    grant: () => ({ kind: 'timer', data: '' }),
    restore: sleep,
    tidy: () => forgetUnheard(),
    sweep: () => {
      const unheard = listUnheard(state.timers.values());
      if (unheard.length > 0) {
        parts.run(() => unheard.forEach(forget));
        sleep();
      }
      return unheard.length > 0;
    },
  } satisfies Service);
};
harden(makeTimerService);
