import harden from '@endo/harden';
import type { State } from './store/state.ts';
import { OWN_WRITERS } from './store/writers.ts';

/** From its next commit on this version has written what is stored. To be called outside of a crank. */
export const noteWriters = (state: State): void => {
  const fresh = OWN_WRITERS.filter(
    ({ program, version }) => !state.writers.has(program, version),
  );
  state.store.begin();
  fresh.forEach(row => state.writers.put(row));
  state.store.keep();
};
harden(noteWriters);
