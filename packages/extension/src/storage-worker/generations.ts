/**
 * All that is stored lies in one directory. What comes into its place, from a
 * backup, is written into a new one with a higher number; when it is whole a file
 * beside it says so, and from that moment it is the one. So a crash leaves the
 * old or the new, and neither in part.
 */
const FIRST = 'cooperage';
const DIRECTORY = /^cooperage(?:-(\d+))?$/;
const markOf = (directory: string): string => `${directory}.whole`;

const numberOf = (directory: string): number =>
  Number(DIRECTORY.exec(directory)?.[1] ?? 1);

const list = async (root: FileSystemDirectoryHandle) => {
  const names: string[] = [];
  for await (const name of root.keys()) {
    names.push(name);
  }
  const directories = names.filter(name => DIRECTORY.test(name));
  const isWhole = (name: string): boolean =>
    name === FIRST || names.includes(markOf(name));
  const current = directories
    .filter(isWhole)
    .reduce(
      (best, name) => (numberOf(name) > numberOf(best) ? name : best),
      FIRST,
    );
  return { names, directories, current };
};

/** The directory in which everything is. */
export const currentDirectory = async (): Promise<string> =>
  (await list(await navigator.storage.getDirectory())).current;

const isHeld = (problem: unknown): boolean =>
  problem instanceof DOMException &&
  problem.name === 'NoModificationAllowedError';

/** Deletes what another has replaced, or what was never whole. What a dying worker still holds is left to the next time. */
export const deleteOthers = async (): Promise<void> => {
  const root = await navigator.storage.getDirectory();
  const { names, directories, current } = await list(root);
  const marks = names.filter(
    name => name.endsWith('.whole') && DIRECTORY.test(name.slice(0, -6)),
  );
  for (const name of directories.filter(each => each !== current)) {
    try {
      await root.removeEntry(name, { recursive: true });
    } catch (problem) {
      if (!isHeld(problem)) {
        throw problem;
      }
    }
  }
  // A lower one's mark means nothing any more; its directory may stay for a while.
  for (const name of marks.filter(each => each !== markOf(current))) {
    await root.removeEntry(name);
  }
};

/** Fills a new directory and makes it the one in which everything is. */
export const replaceAll = async (
  fill: (directory: string) => Promise<void>,
): Promise<void> => {
  const root = await navigator.storage.getDirectory();
  const { directories } = await list(root);
  const highest = Math.max(1, ...directories.map(numberOf));
  const directory = `${FIRST}-${highest + 1}`;
  await fill(directory);
  await root.getFileHandle(markOf(directory), { create: true });
};
