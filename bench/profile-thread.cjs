// @ts-check
/**
 * Loaded into every thread before all else: profiles that thread from the word
 * `start` on the channel to the word `stop`, and hands the profile over.
 */
const { Session } = process.getBuiltinModule('node:inspector');
const { BroadcastChannel, isMainThread, threadId } = process.getBuiltinModule(
  'node:worker_threads',
);
const { loadIntoEveryThread } = require('./every-thread.cjs');

const listen = () => {
  const channel = new BroadcastChannel('cooperage-profile');
  const session = new Session();
  session.connect();
  channel.onmessage = event => {
    const { data } = /** @type {{ data: unknown }} */ (event);
    if (data === 'start') {
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: 200 });
      session.post('Profiler.start');
      channel.postMessage('started');
    } else if (data === 'stop') {
      session.post('Profiler.stop', (problem, result) => {
        channel.postMessage({
          name: isMainThread ? 'kernel' : `vat in thread ${threadId}`,
          profile: result?.profile,
        });
      });
    }
  };
  channel.unref();
};

loadIntoEveryThread(__filename);
listen();
