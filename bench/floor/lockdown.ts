/** Locks the vat's realm, as far as it matters for time as ours is. */
import 'ses';
import '@endo/eventual-send/shim.js';

lockdown({ unhandledRejectionTrapping: 'none', reporting: 'none' });
