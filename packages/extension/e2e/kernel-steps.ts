import type { Extension } from './harness.ts';
import { patchDist } from './patched-dist.ts';

const CHANNEL = 'cooperage-steps';

/**
 * Runs before the kernel's own script. Once it is armed it counts whatever of the
 * kernel's can be seen from outside of its worker: what it writes into files, and
 * what it posts. Before one of these steps, if it is told which, it holds the
 * thread for ever.
 */
const COUNTER = `{
  const channel = new BroadcastChannel('${CHANNEL}');
  const say = word => channel.postMessage(word);
  let steps, holdBefore;
  const step = what => {
    if (steps === undefined) return;
    if (steps.length === holdBefore) {
      say({ held: steps });
      for (;;);
    }
    steps.push(what);
  };
  channel.onmessage = ({ data }) => {
    if (data.arm) {
      steps = [];
      ({ holdBefore } = data.arm);
      say({ armed: true });
    } else if (data.tell) {
      say({ steps });
    }
  };
  const count = (owner, name, nameOf) => {
    const real = owner[name];
    owner[name] = function (...args) {
      const what = nameOf(...args);
      if (what !== undefined) step(what);
      return Reflect.apply(real, this, args);
    };
  };
  for (const name of ['write', 'truncate', 'flush']) {
    count(FileSystemSyncAccessHandle.prototype, name, () => name);
  }
  // A null is the kernel's word to itself; heartbeats and looks come when they come.
  count(MessagePort.prototype, 'postMessage', word => (word === null ? undefined : 'say'));
  count(self, 'postMessage', ({ type }) => (/^(pong|alive|look)$/.test(type) ? undefined : type));
}
`;

/** An extension whose kernel can be held before any of its steps. Whoever makes it disposes of it. */
export const makeSteppedDist = () =>
  patchDist(script => COUNTER + script, 'kernel-worker.js');

/** Says a word to the counter, and resolves with the first answer that has the field. */
const converse = (
  extension: Extension,
  field: 'armed' | 'steps',
  word: object,
): Promise<unknown> =>
  extension.inOffscreen(`new Promise(resolve => {
    const channel = new BroadcastChannel('${CHANNEL}');
    channel.onmessage = ({ data }) => {
      if ('${field}' in data) {
        channel.close();
        resolve(data.${field});
      }
    };
    channel.postMessage(${JSON.stringify(word)});
  })`);

/** Begins to count, and to hold before that step if there is one of that number. */
export const armSteps = async (
  extension: Extension,
  holdBefore?: number,
): Promise<void> => {
  // Whoever listens only later may have missed it.
  await extension.inOffscreen(`(() => {
    const channel = new BroadcastChannel('${CHANNEL}');
    self.stepsWhenHeld = new Promise(resolve => {
      channel.onmessage = ({ data }) => 'held' in data && resolve(data.held);
    });
  })()`);
  await converse(extension, 'armed', { arm: { holdBefore } });
};

/** What was counted. */
export const tellSteps = async (
  extension: Extension,
): Promise<readonly string[]> =>
  (await converse(extension, 'steps', { tell: true })) as readonly string[];

/** Resolves with the steps that were made since `armSteps` when the kernel is held; never, when it is not. */
export const whenHeld = async (
  extension: Extension,
): Promise<readonly string[]> =>
  (await extension.inOffscreen('self.stepsWhenHeld')) as readonly string[];
