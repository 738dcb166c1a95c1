/**
 * Locks the realm of a client. Import it before anything else: what is loaded
 * earlier sees, and may change, the unlocked intrinsics.
 */
import 'ses';
import '@endo/eventual-send/shim.js';

lockdown({
  // A person reads these errors and stacks in the developer tools, where the
  // tools' own console is the one to use.
  errorTaming: 'unsafe',
  errorTrapping: 'none',
  unhandledRejectionTrapping: 'none',
  stackFiltering: 'verbose',
  consoleTaming: 'unsafe',
  localeTaming: 'unsafe',
  // With 'moderate' the constructors of errors become accessors, and then
  // Node prints an error as {}.
  overrideTaming: 'min',
  // `chrome` and the other host objects stay as they are.
  domainTaming: 'unsafe',
  reporting: 'none',
});
