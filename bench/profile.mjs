// @ts-check
/**
 * `pnpm profile`: round trips from vat to vat under V8's CPU profiler, and for
 * each thread a table of where its time went. In Chromium the kernel's names
 * are those of the minified build.
 */
import { fork } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildForChromium, buildForNode } from './build.mjs';
import { importSource } from './import-source.mjs';

/**
 * @typedef {{ id: number, callFrame: { functionName: string, url: string, lineNumber: number } }} Frame
 * @typedef {{ nodes: Frame[], samples: number[], timeDeltas: number[] }} Profile
 * @typedef {{ milliseconds: number, profiles: { name: string, profile: Profile }[] }} Found
 */

const here = new URL('.', import.meta.url);
const { values } = parseArgs({
  args: process.argv.slice(2).filter(each => each !== '--'),
  options: {
    only: { type: 'string', default: 'node' },
    streamed: { type: 'boolean', default: false },
    count: { type: 'string', default: '20000' },
    lines: { type: 'string', default: '30' },
  },
});
const count = Number(values.count);
const isStreamed = values.streamed;

/** @returns {Promise<Found>} */
const profileInNode = async () => {
  const script = await buildForNode('profile-node.ts');
  return new Promise((resolve, reject) => {
    const child = fork(script, [JSON.stringify({ isStreamed, count })], {
      execArgv: [
        '--require',
        fileURLToPath(new URL('profile-thread.cjs', here)),
      ],
      serialization: 'advanced',
    });
    child.on('message', found => resolve(/** @type {Found} */ (found)));
    child.on('error', reject);
    child.on('exit', code => reject(Error(`${script} ended with ${code}`)));
  });
};

/** @returns {Promise<Found>} */
const profileInChromium = async () => {
  const extensionDir = await buildForChromium();
  const { profileInChromium: profile } = await importSource(
    'profile-chromium.ts',
  );
  return profile({ extensionDir, isStreamed, count });
};

/** @param {Profile} profile */
const summarize = ({ nodes, samples, timeDeltas }) => {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  /** @type {Map<string, number>} */
  const times = new Map();
  let all = 0;
  samples.forEach((id, index) => {
    const time = timeDeltas[index] ?? 0;
    const frame = frames.get(id);
    all += time;
    if (frame !== undefined && frame.functionName !== '(idle)') {
      const isWasm = frame.url.startsWith('wasm:');
      const name = isWasm ? 'SQLite' : frame.functionName || '(anonymous)';
      times.set(name, (times.get(name) ?? 0) + time);
    }
  });
  const rows = [...times].sort(([, one], [, other]) => other - one);
  const busy = rows.reduce((sum, [, time]) => sum + time, 0);
  return { busy, all, rows };
};

/** @param {number} time @param {number} busy @param {string} name */
const formatRow = (time, busy, name) =>
  `${((100 * time) / busy).toFixed(1).padStart(6)} % ${(time / count).toFixed(1).padStart(7)} µs  ${name}`;

const found =
  values.only === 'chromium'
    ? await profileInChromium()
    : await profileInNode();
const way = isStreamed ? '1,000 in flight' : 'one at a time';
console.log(
  `${values.only}, ${way}: ${((1_000 * found.milliseconds) / count).toFixed(0)} µs a round trip, under the profiler`,
);
for (const { name, profile } of found.profiles) {
  const { busy, all, rows } = summarize(profile);
  if (busy > all / 50) {
    console.log(
      `\n${name}: busy ${((100 * busy) / all).toFixed(0)} % of the time, ${(busy / count).toFixed(0)} µs a round trip`,
    );
    for (const [each, time] of rows.slice(0, Number(values.lines))) {
      console.log(formatRow(time, busy, each));
    }
  }
}
process.exit(0);
