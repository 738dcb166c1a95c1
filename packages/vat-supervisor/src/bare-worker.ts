import { stripGlobals } from './strip-globals.ts';

/** Names that this platform would not let go; the supervisor logs them. */
export const survivingGlobals = stripGlobals(globalThis);
