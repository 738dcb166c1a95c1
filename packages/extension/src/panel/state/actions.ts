import { signal, type ReadonlySignal } from '@preact/signals';
import type { ControlMethods } from '@cooperage/protocol';
import type { Connection } from './connection.ts';
import { wordsOf } from './link.ts';

/** How a person's last deed of one kind on one thing stands. */
export type ActionState =
  | { readonly state: 'busy' }
  | { readonly state: 'failed'; readonly problem: string };

export type Actions = {
  /** By key; a deed that has succeeded leaves nothing behind. */
  readonly states: ReadonlySignal<ReadonlyMap<string, ActionState>>;
  /** What has just happened, for a live region. */
  readonly announcement: ReadonlySignal<string>;
  /** Does one deed at a time under each key. Gives whether it succeeded. */
  run(
    key: string,
    /** What to announce then. */
    done: string | (() => string),
    work: () => Promise<unknown>,
  ): Promise<boolean>;
  /** Forgets that the last deed under the key has failed. */
  clear(key: string): void;
  /** A single control method as a deed. */
  control<Method extends keyof ControlMethods>(
    key: string,
    done: string,
    method: Method,
    params: ControlMethods[Method]['params'],
  ): Promise<boolean>;
};

/** The deeds of the panel: what is under way, what failed, and what to announce. */
export const makeActions = (connection: Pick<Connection, 'call'>): Actions => {
  const states = signal<ReadonlyMap<string, ActionState>>(new Map());
  const announcement = signal('');

  const set = (key: string, state: ActionState | undefined): void => {
    const next = new Map(states.value);
    next.delete(key);
    if (state) {
      next.set(key, state);
    }
    states.value = next;
  };
  const run: Actions['run'] = async (key, done, work) => {
    if (states.value.get(key)?.state === 'busy') {
      return false;
    }
    set(key, { state: 'busy' });
    try {
      await work();
      set(key, undefined);
      announcement.value = typeof done === 'string' ? done : done();
      return true;
    } catch (error) {
      const problem = wordsOf(error);
      set(key, { state: 'failed', problem });
      announcement.value = problem;
      return false;
    }
  };
  return Object.freeze({
    clear: (key: string) => {
      if (states.value.get(key)?.state === 'failed') {
        set(key, undefined);
      }
    },
    states,
    announcement,
    run,
    control: (key, done, method, params) =>
      run(key, done, () => connection.call(method, params)),
  } satisfies Actions);
};
