import { makeMemoryImage, type MemoryImage } from '../adapters/memory.ts';
import type { Platform } from '../ports.ts';

/** The platform, with words said right before and after each commit. */
export const aroundCommits = (
  platform: Platform,
  {
    before,
    after,
  }: {
    before: () => void;
    after: (...changes: Parameters<Platform['db']['commit']>) => void;
  },
): Platform => ({
  ...platform,
  db: {
    ...platform.db,
    get counters() {
      return platform.db.counters;
    },
    commit: changes => {
      before();
      platform.db.commit(changes);
      after(changes);
    },
  },
});

/** Keeps what is on the disk before and after each commit: the moments at which a kernel may crash. */
export const makeWitness = () => {
  const images: MemoryImage[] = [];
  const wrap =
    (image: MemoryImage) =>
    (platform: Platform): Platform => {
      const note = () => void images.push(makeMemoryImage(image));
      return aroundCommits(platform, { before: note, after: note });
    };
  return { images, wrap };
};
