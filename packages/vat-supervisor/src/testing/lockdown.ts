/** Locks the realm of a test as a vat's worker is locked; import it before anything else. */
import 'ses';
import '@endo/eventual-send/shim.js';
import '../install-sends.ts';

lockdown({
  errorTaming: 'unsafe',
  consoleTaming: 'unsafe',
  // With 'moderate' the test runner's own errors can't be made.
  overrideTaming: 'min',
  errorTrapping: 'none',
  unhandledRejectionTrapping: 'none',
  reporting: 'none',
});
