import type { Delivery, ToVat, VatId } from '@cooperage/protocol';
import type { Clock, Platform, VatPort } from '../ports.ts';

declare const setImmediate: (callback: () => void) => void;

/** One thing that may happen next: the first of a lane, in which things keep their order. */
export type Lane = string;

const SOON: Lane = 'soon';
/** The lane in which time passes: the next timer rings. */
export const TIME: Lane = 'time';

/** What is further away happens only when nothing else can: a deadline is never passed by what is merely late here. */
const MOST_AHEAD = 1_000;
/** What is further away still never happens by itself. */
const MOST_AHEAD_AT_REST = 60_000;

/** Time for what follows from a step: microtasks, however many. */
export const drain = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(() => resolve());
  });

/** A message between the kernel and a vat, about to be sent on, or just arrived. */
export type Passage = {
  readonly where: 'before' | 'after';
  readonly lane: Lane;
};

/**
 * A world that does one thing at a time, and only when told which: a message
 * arrives, a timer rings, a worker starts. Time is virtual. Everything that a
 * kernel over `wrap`'s platform does is so a matter of the choices made.
 */
export const makeSteps = ({
  isVatSlow = true,
  isSoonAtOnce = false,
  onMessage = () => {},
  onDelivery = () => {},
}: {
  /** False when a vat gets what is sent to it at once: only its answers take time. */
  isVatSlow?: boolean;
  /** True when what is to be done soon is done right after the step that asked for it. */
  isSoonAtOnce?: boolean;
  /** Told before and after each message between kernel and vats. */
  onMessage?: (passage: Passage) => void;
  /** Told when the kernel makes a delivery to a vat, before it is on its way. */
  onDelivery?: (delivery: Delivery, vat: VatId) => void;
} = {}) => {
  const lanes = new Map<Lane, { work: () => void; what: string }[]>();
  const timers: { due: number; callback: () => void }[] = [];
  let now = 1_000_000;
  const ports = new Map<string, number>();
  let isStopped = false;

  /** `what` tells it apart from others of its lane. */
  const post = (lane: Lane, work: () => void, what = ''): void => {
    const waiting = lanes.get(lane);
    if (waiting) {
      waiting.push({ work, what });
    } else {
      lanes.set(lane, [{ work, what }]);
    }
  };
  const clear = (lane: Lane): void => {
    lanes.delete(lane);
  };

  const clock: Clock = {
    now: () => now,
    after: (milliseconds, callback) => {
      const timer = { due: now + milliseconds, callback };
      timers.push(timer);
      timers.sort((left, right) => left.due - right.due);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) {
          timers.splice(index, 1);
        }
      };
    },
    soon: callback => post(SOON, callback),
  };

  const passing = (lane: Lane, work: () => void) => (): void => {
    onMessage({ where: 'before', lane });
    work();
    onMessage({ where: 'after', lane });
  };

  const slow = (port: VatPort, vat: VatId, name: string): VatPort => {
    const to = `to ${name}`;
    const from = `from ${name}`;
    return {
      send: (message: ToVat, transfer) => {
        if (message.type === 'deliver') {
          onDelivery(message.delivery, vat);
        }
        const work = passing(to, () => port.send(message, transfer));
        if (isVatSlow) {
          post(to, work);
        } else {
          work();
        }
      },
      receive: (onWord, onLost) =>
        port.receive(
          message =>
            post(
              from,
              passing(from, () => onWord(message)),
              JSON.stringify(message),
            ),
          (reason, what) => {
            clear(to);
            post(from, () => onLost(reason, what), `lost ${what}`);
          },
        ),
      kill: () => {
        clear(to);
        clear(from);
        port.kill();
      },
    };
  };

  const wrap = (platform: Platform): Platform => ({
    ...platform,
    clock,
    vats: {
      launch: async (vat, label) => {
        const nth = (ports.get(vat) ?? 0) + 1;
        ports.set(vat, nth);
        const name = `${vat}#${nth}`;
        const port = await platform.vats.launch(vat, label);
        await new Promise<void>(resolve => post(`launch ${name}`, resolve));
        return slow(port, vat, name);
      },
    },
  });

  const isTimeNext = (): boolean => {
    const [first] = timers;
    const most = lanes.size > 0 ? MOST_AHEAD : MOST_AHEAD_AT_REST;
    return first !== undefined && first.due - now <= most;
  };

  const takeOne = (lane: Lane): void => {
    if (lane === TIME) {
      const first = timers.shift();
      if (first) {
        now = Math.max(now, first.due);
        first.callback();
      }
      return;
    }
    const waiting = lanes.get(lane);
    const first = waiting?.shift();
    if (waiting?.length === 0) {
      lanes.delete(lane);
    }
    first?.work();
  };

  /** All that follows at once. */
  const settle = async (): Promise<void> => {
    await drain();
    while (isSoonAtOnce && lanes.has(SOON)) {
      takeOne(SOON);
      await drain();
    }
  };

  return {
    clock,
    wrap,
    post,
    settle,
    /** What may happen next; the passing of time comes last. */
    choices: (): Lane[] =>
      isStopped ? [] : [...lanes.keys(), ...(isTimeNext() ? [TIME] : [])],
    /** Has the first of the lane happen, with all that follows at once. */
    take: async (lane: Lane): Promise<void> => {
      takeOne(lane);
      await settle();
    },
    /** All that is on its way, as text; of a timer, and of what is to be done soon, only when. */
    state: (): unknown => [
      [...lanes]
        .map(([lane, waiting]) => [lane, ...waiting.map(({ what }) => what)])
        .sort(([left = ''], [right = '']) => (left < right ? -1 : 1)),
      now,
      timers.map(({ due }) => due),
      [...ports].sort(),
    ],
    /** Nothing happens any more. */
    stop: (): void => {
      isStopped = true;
      lanes.clear();
      timers.length = 0;
    },
  };
};

export type Steps = ReturnType<typeof makeSteps>;
