import { makeHardener } from './hardener.ts';

// SES takes it for the platform's own when it is loaded, and puts it where it belongs.
Object.defineProperty(globalThis, 'harden', {
  value: makeHardener(),
  writable: true,
  configurable: true,
});
