// @ts-check
/**
 * Loaded into every thread before all else: at the word `heap` on the channel it
 * collects garbage and answers how many bytes of that thread's heap are in use.
 */
const v8 = process.getBuiltinModule('node:v8');
const { runInNewContext } = process.getBuiltinModule('node:vm');
const { BroadcastChannel, isMainThread, threadId } = process.getBuiltinModule(
  'node:worker_threads',
);
const { loadIntoEveryThread } = require('./every-thread.cjs');

loadIntoEveryThread(__filename);

v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const channel = new BroadcastChannel('cooperage-soak');
channel.onmessage = /** @param {unknown} event */ event => {
  if (Reflect.get(Object(event), 'data') === 'heap') {
    collect();
    channel.postMessage({
      thread: isMainThread ? 0 : threadId,
      bytes: v8.getHeapStatistics().used_heap_size,
    });
  }
};
channel.unref();
