/** The process that measures in Node: it gets what to do as its argument and sends the results to its parent. */
import '@cooperage/client/lockdown';
import { measureCases } from './measure.ts';
import { makeNodeStage } from './stages/node-stage.ts';

const { wanted, ...options } = JSON.parse(process.argv[2] ?? '{}');
const report = await measureCases(makeNodeStage(options), wanted);
process.send?.(report, () => process.exit(0));
