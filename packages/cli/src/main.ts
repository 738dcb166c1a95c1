/** The command `cooperage`. `build.mjs` bundles it. */
import '@cooperage/client/lockdown';
import { makeProgram } from './program.ts';

await makeProgram().parseAsync();
