/** The process of one contender in Node: it gets what to start as its argument, does what its parent asks, and ends with it. */
import '@cooperage/client/lockdown';
import { serveContender } from './stages/contender-serving.ts';

await serveContender(JSON.parse(process.argv[2] ?? '{}'));
