import harden from '@endo/harden';
/**
 * An endpoint broke a rule: its crank is dropped and it bears the consequence.
 * Every other error that a crank throws is a fault of the kernel and stops it.
 */
export class EndpointFault extends Error {
  override readonly name = 'EndpointFault';
}

export const faultUnless: (
  condition: unknown,
  problem: () => string,
) => asserts condition = (condition, problem) => {
  if (!condition) {
    throw new EndpointFault(problem());
  }
};
harden(faultUnless);

/** The row that must be there; a kernel fault otherwise. */
export const insistRow = <Row>(row: Row | undefined, what: string): Row => {
  if (row === undefined) {
    throw Error(`kernel state is inconsistent: no ${what}`);
  }
  return row;
};
harden(insistRow);
