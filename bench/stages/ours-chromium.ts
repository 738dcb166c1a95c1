import { readFileSync } from 'node:fs';
import process from 'node:process';
import { startExtension } from '../../packages/extension/e2e/harness.ts';
import { beginToWatch, endWatch } from '../longest-step.ts';
import { BENCH_CONFIG } from '../program.ts';
import { collectTwice } from './collect-twice.ts';
import type { Counters, Ours } from '../stage.ts';

export type Extension = Awaited<ReturnType<typeof startExtension>>;

/** What a text that the console evaluates finds beside `E` and `kernel`. */
const SEND = '(target, method, ...args) => E(target)[method](...args)';

/** As the system's kernel accounts for it. */
const readRendererMemory = async ({
  context,
}: Extension): Promise<ReadonlyMap<number, number>> => {
  const session = await context.browser()?.newBrowserCDPSession();
  const told = await session?.send('SystemInfo.getProcessInfo');
  await session?.detach();
  const renderers = told?.processInfo.filter(({ type }) => type === 'renderer');
  return new Map(
    renderers?.map(({ id }) => {
      const text = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8');
      const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(text) ?? [];
      return [id, Number(kilobytes) * 1024];
    }),
  );
};

type Targets = Awaited<ReturnType<Extension['devtools']['targets']>>;

/** Of workers one hears whose they are before one hears their address. */
const findKernelWorker = (targets: Targets): string => {
  const parent = targets.find(({ url }) => url.endsWith('/offscreen.html'));
  const worker = targets.find(
    ({ type, parentId }) => type === 'worker' && parentId === parent?.targetId,
  );
  if (worker === undefined) {
    throw Error('the kernel has no worker');
  }
  return worker.targetId;
};

type Send = Parameters<Parameters<Extension['devtools']['speakWith']>[1]>[0];

/** The worker answers only once its document attaches to all that it has started. */
const speakWithKernel = <Result>(
  { devtools }: Extension,
  use: (send: Send) => Promise<Result>,
): Promise<Result> =>
  devtools.speakWith('/offscreen.html', async toDocument => {
    await toDocument('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    });
    const targetId = findKernelWorker(await devtools.targets());
    return devtools.speakWithTarget(targetId, use);
  });

const readHeapUsed = (extension: Extension): Promise<number> =>
  speakWithKernel(extension, async send => {
    await collectTwice(() => send('HeapProfiler.collectGarbage'));
    const usage = await send('Runtime.getHeapUsage');
    return (usage as { usedSize: number }).usedSize;
  });

/** Calls a function that refers to nothing around it in the kernel's worker. */
const callInKernel = (
  extension: Extension,
  work: () => unknown,
): Promise<unknown> =>
  speakWithKernel(extension, async send => {
    const told = await send('Runtime.evaluate', {
      expression: `(${String(work)})()`,
      returnByValue: true,
    });
    const { result, exceptionDetails } = told as {
      readonly result: { readonly value?: unknown };
      readonly exceptionDetails?: unknown;
    };
    if (exceptionDetails !== undefined) {
      throw Error(
        `in the kernel's worker: ${JSON.stringify(exceptionDetails)}`,
      );
    }
    return result.value;
  });

export type StartedChromium = {
  readonly extension: Extension;
  readonly ours: Ours;
  /** Microseconds of all processes of the browser. */
  readonly readCpu: () => Promise<number>;
};

type Work = {
  readonly cranks: number;
  readonly clusters: readonly {
    readonly vats: readonly { readonly waiting: number }[];
  }[];
};

/** Resolves when nothing waits for any vat and no crank comes any more. Runs in the console; what `status` tells is committed. */
const whenIdle = async (status: () => Promise<Work>): Promise<void> => {
  let last: number | undefined;
  for (;;) {
    const { cranks, clusters } = await status();
    const isWaiting = clusters.some(({ vats }) =>
      vats.some(({ waiting }) => waiting > 0),
    );
    if (!isWaiting && cranks === last) {
      return;
    }
    last = cranks;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};

/** The extension in a browser of its own, with the cluster `bench`; the console is the service worker's. */
export const startChromiumOurs = async (
  extensionDir: string,
): Promise<StartedChromium> => {
  const extension = await startExtension({ extensionDir });
  const { inConsole } = extension;
  await inConsole(`E(kernel).launch(${JSON.stringify(BENCH_CONFIG)})`);
  const ours: Ours = {
    run: (work, args) =>
      inConsole(
        `(${String(work)})({ send: ${SEND}, kernel, Far }, ${JSON.stringify(args)})`,
      ),
    counters: () =>
      inConsole<Counters>(
        'E(kernel).status().then(({ commits, sql }) => ({ commits, ...sql }))',
      ),
    idle: () => inConsole(`(${String(whenIdle)})(() => E(kernel).status())`),
    reload: extension.reload,
    ...(process.platform === 'linux'
      ? { rendererMemory: () => readRendererMemory(extension) }
      : {}),
    heapUsed: () => readHeapUsed(extension),
    longestStep: async work => {
      await callInKernel(extension, beginToWatch);
      await work();
      return Number(await callInKernel(extension, endWatch));
    },
    countRows: () =>
      inConsole<number>(
        'E(kernel).collect().then(({ objects, promises, references }) => objects + promises + references)',
      ),
    stop: () => extension.close(),
  };
  const session = await extension.context.browser()?.newBrowserCDPSession();
  return {
    extension,
    ours,
    readCpu: async () => {
      const told = await session?.send('SystemInfo.getProcessInfo');
      const seconds = told?.processInfo.reduce(
        (sum, { cpuTime }) => sum + cpuTime,
        0,
      );
      return (seconds ?? NaN) * 1_000_000;
    },
  };
};
