import type { Extension } from './harness.ts';
import { STANDING_WORKERS, whenWorkersAre } from './workers.ts';

/** The files of the kernel and the vats, by the names in the pool's own headers, with their lengths. */
export const listFiles = async (
  extension: Extension,
): Promise<readonly string[]> =>
  (await extension.inOffscreen(`(async () => {
    const found = [];
    // What the kernel has just written to makes the snapshot unreadable: another is taken.
    const headerOf = async handle => {
      for (;;) {
        const file = await handle.getFile();
        try {
          return await file.slice(0, 512).text();
        } catch (problem) {
          if (problem.name !== 'NotReadableError') throw problem;
        }
      }
    };
    const walk = async directory => {
      for await (const handle of directory.values()) {
        if (handle.kind === 'directory') {
          await walk(handle);
        } else {
          const header = await headerOf(handle);
          const name = header.slice(0, header.indexOf('\\0'));
          if (name.startsWith('/')) found.push(name);
        }
      }
    };
    await walk(await navigator.storage.getDirectory());
    return found.sort();
  })()`)) as readonly string[];

type Told = {
  readonly clusters: readonly {
    readonly vats: readonly { readonly state: string }[];
  }[];
};

/** What the status tells, the files, and the workers, when there are as many as it tells of vats that start or run, with the standing ones: a worker that has been ended goes a little later. */
export const takeStock = async (extension: Extension) => {
  const told = await extension.inConsole<Told>(
    `E(kernel).status().then(({ clusters, home, sessions }) => ({ clusters, home, sessions }))`,
  );
  const running = told.clusters
    .flatMap(({ vats }) => vats)
    .filter(({ state }) => ['starting', 'running'].includes(state));
  const ids = await whenWorkersAre(
    extension,
    ({ length }) => length === STANDING_WORKERS + running.length,
  );
  return {
    ...told,
    files: await listFiles(extension),
    workers: ids.length,
  };
};
