/** What drives the floor from outside: its kernel's own methods, or a page's way to them. */
export type FloorDoor = {
  call(
    target: string,
    method: string,
    args: unknown[],
    slots: string[],
  ): Promise<unknown>;
  hop(trips: number): Promise<unknown>;
};

export type FloorWork = {
  readonly name: 'roundTrips' | 'hops' | 'calls';
  readonly count: number;
  /** Of `calls`. */
  readonly inFlight?: number;
};

/** Milliseconds of the work. Its text is evaluated in a page too: it refers to its parameters only. */
export const driveFloor = async (
  { call, hop }: FloorDoor,
  { name, count, inFlight = 1 }: FloorWork,
): Promise<number> => {
  const start = performance.now();
  if (name === 'roundTrips') {
    await call('o-0', 'roundTrips', [count, '$0.Alleged: Bench'], ['o-1']);
  } else if (name === 'hops') {
    await hop(count);
  } else {
    const chain = async (): Promise<void> => {
      for (let calls = 0; calls < count / inFlight; calls += 1) {
        await call('o-1', 'ping', [], []);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, chain));
  }
  return performance.now() - start;
};
