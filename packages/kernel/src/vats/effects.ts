import harden from '@endo/harden';
import type { Done } from '../translate/check.ts';

/** A vat that ends itself as a failure takes back what else it did in that crank. */
export const effectsOf = ({
  syscalls,
  changes,
}: Done): Pick<Done, 'syscalls' | 'changes'> => {
  const failing = syscalls.find(([name, isFailure]) =>
    name === 'exit' ? isFailure : false,
  );
  return failing ? { syscalls: [failing], changes: [] } : { syscalls, changes };
};
harden(effectsOf);
