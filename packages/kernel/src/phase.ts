import { CooperageError, type KernelStatus } from '@cooperage/protocol';
import harden from '@endo/harden';
import { CriticalLoss } from './faults.ts';

type FailedState = 'failed' | 'storage-failed' | 'critical-failed';

const failedStateOf = (cause: unknown): FailedState => {
  if (cause instanceof CriticalLoss) {
    return 'critical-failed';
  }
  return cause instanceof CooperageError && cause.code === 'STORAGE_FAILED'
    ? 'storage-failed'
    : 'failed';
};

/** Whether the kernel runs. It ends once, by being stopped or by a fault, and never runs again. */
export const makePhase = () => {
  let state: Extract<
    KernelStatus['state'],
    'running' | 'stopped' | FailedState
  > = 'running';
  let reason: string | undefined;
  const hooks: ((problem: CooperageError, cause: unknown) => void)[] = [];

  const makeProblem = (): CooperageError =>
    new CooperageError(
      state === 'stopped' ? 'KERNEL_STOPPED' : 'KERNEL_FAILED',
      `The kernel has ${state === 'stopped' ? state : 'failed'}${reason === undefined ? '' : `: ${reason}`}`,
    );

  const end = (next: 'failed' | 'stopped', cause?: unknown): void => {
    if (state !== 'running') {
      return;
    }
    state = next;
    if (next === 'failed') {
      state = failedStateOf(cause);
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    const problem = makeProblem();
    hooks.forEach(hook => hook(problem, cause));
  };

  return harden({
    state: () => state,
    reason: () => reason,
    isRunning: () => state === 'running',
    /** Throws CooperageError KERNEL_FAILED or KERNEL_STOPPED unless the kernel runs. */
    insistRunning: (): void => {
      if (state !== 'running') {
        throw makeProblem();
      }
    },
    /** Called once when the kernel ends, in the order in which they were given; they must not throw. */
    onEnd: (hook: (problem: CooperageError, cause: unknown) => void): void => {
      hooks.push(hook);
    },
    end,
    /** Runs a piece of the kernel's work, unless it has ended; what it throws is the kernel's fault and ends it. */
    guard: (work: () => void): void => {
      if (state === 'running') {
        try {
          work();
        } catch (problem) {
          end('failed', problem);
        }
      }
    },
  });
};
harden(makePhase);

export type Phase = ReturnType<typeof makePhase>;
