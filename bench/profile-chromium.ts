import { timeRoundTrips, timeStream } from './cases/console-work.ts';
import type { Send } from '../packages/extension/e2e/offscreen-devtools.ts';
import { startChromiumOurs } from './stages/ours-chromium.ts';

/** Profiles the kernel's worker and the two vats' in Chromium. */
export const profileInChromium = async ({
  extensionDir,
  isStreamed,
  count,
}: {
  extensionDir: string;
  isStreamed: boolean;
  count: number;
}) => {
  const { extension, ours } = await startChromiumOurs(extensionDir);
  const { devtools } = extension;
  const run = (trips: number): Promise<number> =>
    isStreamed
      ? ours.run(timeStream, { count: trips, inFlight: 1_000 })
      : ours.run(timeRoundTrips, { count: trips });
  /** Workers answer only while their document attaches to all that it has started. */
  const attached = (send: Send): Promise<unknown> =>
    send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    });
  const profile = async () => {
    const targets = await devtools.targets();
    const host = targets.find(({ url }) => url.includes('/vat-host.html'));
    const workers = targets.filter(({ type }) => type === 'worker');
    let ready = 0;
    let begin: (milliseconds: Promise<number>) => void = () => {};
    const ended = new Promise<number>(resolve => {
      begin = resolve;
    });
    const profiles = workers.map(({ targetId, parentId }) =>
      devtools.speakWithTarget(targetId, async send => {
        await send('Profiler.enable');
        await send('Profiler.setSamplingInterval', { interval: 200 });
        await send('Profiler.start');
        ready += 1;
        if (ready === workers.length) {
          begin(run(count));
        }
        await ended;
        const found = Object(await send('Profiler.stop'));
        const name = parentId === host?.targetId ? 'vat' : 'kernel';
        return { name, profile: found.profile };
      }),
    );
    return { milliseconds: await ended, profiles: await Promise.all(profiles) };
  };
  try {
    await run(3_000);
    return await devtools.speakWith('/offscreen.html', async toKernel => {
      await attached(toKernel);
      return devtools.speakWith('/vat-host.html', async toVats => {
        await attached(toVats);
        return profile();
      });
    });
  } finally {
    await ours.stop();
  }
};
