import { drain, TIME, type Lane, type Steps } from './steps.ts';

const MOST_STEPS = 20_000;

/** The world of a program, which goes on step by step, as it is drawn, until the kernel has ended. */
export const makeWorld = ({
  steps,
  choose,
  patience,
  hasEnded,
  afterStep,
}: {
  steps: Pick<Steps, 'choices' | 'take'>;
  choose: (below: number) => number;
  /** Time passes once in so many steps while other things could happen; undefined where the first thing happens first. */
  patience: number | undefined;
  /** Whether the kernel has. */
  hasEnded: () => boolean;
  afterStep: () => void;
}) => {
  let count = 0;
  const chooseLane = (): Lane | undefined => {
    const lanes = steps.choices();
    if (patience === undefined) {
      return lanes[0];
    }
    const busy = lanes.filter(lane => lane !== TIME);
    const some = busy.length > 0 && choose(patience) > 0 ? busy : lanes;
    return some[choose(Math.max(1, some.length))];
  };
  /** Has it happen, or what is drawn; false when nothing can. */
  const step = async (lane = chooseLane()): Promise<boolean> => {
    if (lane === undefined || hasEnded()) {
      return false;
    }
    count += 1;
    if (count > MOST_STEPS) {
      throw Error('the world comes to no rest');
    }
    await steps.take(lane);
    afterStep();
    return true;
  };
  return {
    step,
    steps: (): number => count,
    /** Goes on, as ever it goes, until that has been answered. */
    runUntil: async <Value>(promise: Promise<Value>): Promise<Value> => {
      let isSettled = false;
      const settled = (): void => {
        isSettled = true;
      };
      promise.then(settled, settled);
      await drain();
      while (!isSettled) {
        if (hasEnded()) {
          throw Error('the kernel has ended');
        }
        if (!(await step())) {
          throw Error('nothing more happens, and an answer is still awaited');
        }
      }
      return promise;
    },
    /** Goes on until nothing can happen. */
    rest: async (): Promise<void> => {
      while (await step());
    },
  };
};
