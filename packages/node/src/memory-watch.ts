/** How often memory is looked at while vats are at work. */
const LOOK_MILLISECONDS = 100;

/** Who is at work, told by its port. */
type Party = { tellFull(reason: string): void };

/**
 * Looks at what this process has resident while vats are at work. Their heaps are
 * bounded each by itself; what they keep outside of these, the bytes of typed
 * arrays, no engine bounds, and a process that takes all of a machine's memory is
 * killed with all that it does, and again in the next run, by the same delivery.
 * When so much has come since a delivery began, one of those at work is told: who
 * it was, is found out by letting them in alone.
 */
export const makeMemoryWatch = (
  mostBytes: number,
  residentBytes: () => number = () => process.memoryUsage.rss(),
) => {
  /** What was resident when the watch first saw each at work. */
  const begun = new Map<Party, number | undefined>();
  let timer: NodeJS.Timeout | undefined;

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  const look = (): void => {
    if (begun.size === 0) {
      stop();
      return;
    }
    const now = residentBytes();
    for (const [party, before = now] of begun) {
      begun.set(party, before);
      if (now - before > mostBytes) {
        begun.clear();
        const megabytes = Math.round(mostBytes / 1e6).toLocaleString('en');
        party.tellFull(
          `the vats at work have taken more than ${megabytes} MB of memory`,
        );
        return;
      }
    }
  };

  return Object.freeze({
    /** A delivery to it has begun. */
    begin: (party: Party): void => {
      begun.set(party, undefined);
      timer ??= setInterval(look, LOOK_MILLISECONDS).unref();
    },
    /** It is at work no more. */
    end: (party: Party): void => {
      begun.delete(party);
    },
  });
};

export type MemoryWatch = ReturnType<typeof makeMemoryWatch>;
