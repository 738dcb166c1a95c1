// @ts-check
/**
 * Property tests try the same programs in every run, so that a failure tells of
 * the change that made it. `PROPERTY_SEED` is another number, or `random`.
 */
import fc from 'fast-check';
import process from 'node:process';

const wanted = process.env['PROPERTY_SEED'] ?? '1';
if (wanted !== 'random') {
  const seed = Number(wanted);
  if (!Number.isSafeInteger(seed)) {
    throw Error(`PROPERTY_SEED is a whole number or "random", not ${wanted}`);
  }
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
}
