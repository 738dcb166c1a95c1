/**
 * Locks the realm. To be imported first of all, and for its effect: the order
 * of these imports is the order in which they run.
 */
import './bare-worker.ts';
import './captured-console.ts';
import './install-hardener.ts';
import 'ses';
import '@endo/eventual-send/shim.js';
import './install-sends.ts';

lockdown({
  // A vat's log shows stacks and redacted details; the vat's own code does not see them.
  errorTaming: 'safe',
  consoleTaming: 'safe',
  stackFiltering: 'concise',
  overrideTaming: 'moderate',
  // The supervisor catches both itself: SES would end Node's process.
  errorTrapping: 'none',
  unhandledRejectionTrapping: 'none',
  reporting: 'none',
});
