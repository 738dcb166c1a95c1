// @ts-check
/**
 * `node bench/soak-faults.mjs --minutes 60 --seed 1`: vats send each other messages
 * of every kind while they are restarted, suspended, upgraded and ended, and the
 * process of the kernel is killed and started again over the same folder. Prints
 * what memory, rows, files and answers are meanwhile, says whether anything that
 * was answered was lost, and draws it all as `docs/soak.svg`. Ends with 1 when an
 * answer was lost or something has grown.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildForNode } from './build.mjs';

/** @typedef {{ minute: number, heap: number, resident: number, rows: number, bytes: number, median: number, late: number, deeds: number, faults: number }} Sample */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const SAMPLE_SECONDS = 5;
/** A process lives so many seconds at least, and a sixth of all the time at most: some live long, so that what grows shows. */
const LEAST_LIFE = 40;
const MOST_LIFE = Math.max(2 * LEAST_LIFE, 10 * minutes);
/** What the last quarter may have more than the first. */
const FLAT = 1.5;

const begin = Date.now();
const minuteNow = () => (Date.now() - begin) / 60_000;
/** @type {Sample[]} */
const samples = [];
/** @type {number[]} */
const kills = [];
/** What the vat that counts has answered, and how often a process has found less. */
const tally = { answered: 0, lost: 0, answers: 0 };

const state = { seed: (seed % 2_147_483_646) + 1 };
/** @param {number} below */
const roll = below => {
  state.seed = (state.seed * 48_271) % 2_147_483_647;
  return state.seed % below;
};

/** @param {Sample} each */
const lineOf = each =>
  [
    each.minute.toFixed(1).padStart(6),
    (each.heap / 1e6).toFixed(1).padStart(8),
    (each.resident / 1e6).toFixed(0).padStart(9),
    String(each.rows).padStart(7),
    (each.bytes / 1e3).toFixed(0).padStart(8),
    each.median.toFixed(1).padStart(8),
    each.late.toFixed(1).padStart(8),
    String(each.deeds).padStart(7),
    String(each.faults).padStart(7),
  ].join('');

/** @param {unknown} message */
const hear = message => {
  const { found, answered, sample } = Object(message);
  if (found !== undefined && found < tally.answered) {
    tally.lost += tally.answered - found;
  }
  if (answered !== undefined) {
    tally.answers += 1;
    tally.answered = Math.max(tally.answered, answered);
  }
  if (sample !== undefined) {
    const each = { minute: minuteNow(), ...sample };
    samples.push(each);
    console.log(lineOf(each));
  }
};

/** @param {string} script @param {string} folder */
const runOnce = async (script, folder) => {
  const child = fork(script, [
    JSON.stringify({
      folder,
      seed: 1 + roll(1_000_000),
      sampleSeconds: SAMPLE_SECONDS,
    }),
  ]);
  child.on('message', hear);
  const life = Math.min(
    1_000 * (LEAST_LIFE + roll(MOST_LIFE - LEAST_LIFE)),
    begin + 60_000 * minutes - Date.now(),
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.max(0, life));
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  if (signal !== 'SIGKILL') {
    throw Error(`the process has ended by itself: ${code} ${signal}`);
  }
  kills.push(minuteNow());
};

const WIDTH = 640;
const HEIGHT = 150;
const PANELS = /** @type {const} */ ([
  { field: 'heap', title: 'heap of the kernel, MB', unit: 1e6 },
  { field: 'resident', title: 'memory of the process, MB', unit: 1e6 },
  { field: 'rows', title: 'rows', unit: 1 },
  { field: 'bytes', title: 'files, kB', unit: 1e3 },
  { field: 'median', title: 'an answer takes, median, ms', unit: 1 },
  { field: 'late', title: 'the slowest of a hundred, ms', unit: 1 },
]);

/** @param {typeof PANELS[number]} panel @param {number} nth */
const drawPanel = ({ field, title, unit }, nth) => {
  const found = samples.map(each => each[field] / unit);
  const top = Math.max(1, ...found) * 1.15;
  const base = nth * HEIGHT + HEIGHT - 24;
  const x = (/** @type {number} */ minute) => 60 + (minute * 560) / minutes;
  const y = (/** @type {number} */ value) =>
    base - (value * (HEIGHT - 50)) / top;
  const points = samples
    .map(
      ({ minute }, index) =>
        `${x(minute).toFixed(1)},${y(found[index] ?? 0).toFixed(1)}`,
    )
    .join(' ');
  const ends = kills
    .map(minute => `M${x(minute).toFixed(1)} ${base}v4`)
    .join('');
  return `<text x="60" y="${base - HEIGHT + 42}">${title}</text>
<path d="M60 ${base - HEIGHT + 50}V${base}H620" fill="none" stroke="#888"/>
<path d="${ends}" stroke="#dc2626"/>
<text x="54" y="${base - HEIGHT + 58}" text-anchor="end">${top.toFixed(0)}</text>
<text x="54" y="${base}" text-anchor="end">0</text>
<text x="620" y="${base + 16}" text-anchor="end">${minutes} min</text>
<polyline points="${points}" fill="none" stroke="#2563eb" stroke-width="1.5"/>`;
};

const draw =
  () => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${PANELS.length * HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${PANELS.length * HEIGHT}" fill="#fff"/>
${PANELS.map(drawPanel).join('\n')}
</svg>
`;

/** @param {readonly Sample[]} some @param {typeof PANELS[number]['field']} field */
const medianOf = (some, field) =>
  some.map(each => each[field]).sort((one, other) => one - other)[
    Math.floor(some.length / 2)
  ] ?? 0;

/** Gives the titles of what has grown. */
const showSummary = () => {
  /** @type {string[]} */
  const grown = [];
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  for (const { field, title, unit } of PANELS) {
    const first = medianOf(samples.slice(0, quarter), field);
    const last = medianOf(samples.slice(-quarter), field);
    console.log(
      `${title}: ${(first / unit).toFixed(1)} in the first quarter, ${(last / unit).toFixed(1)} in the last`,
    );
    if (last > FLAT * first) {
      grown.push(title);
    }
  }
  const sum = (/** @type {'deeds' | 'faults'} */ field) =>
    samples.reduce((total, each) => total + each[field], 0);
  console.log(
    `${minutes} minutes, seed ${seed}: ${kills.length} kills, ${sum('faults')} other faults, ${sum('deeds')} deeds between vats, ${tally.answers} answers to the console; ${tally.lost} answers lost`,
  );
  return grown;
};

const script = await buildForNode('soak-faults-node.ts');
const folder = mkdtempSync(join(tmpdir(), 'cooperage-soak-'));
console.log(
  'minute heap MB  resident   rows files kB  median    late  deeds faults',
);
try {
  while (minuteNow() < minutes) {
    await runOnce(script, folder);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const grown = showSummary();
grown.forEach(title => console.log(`${title} has grown`));
writeFileSync(
  fileURLToPath(new URL('../docs/soak.svg', import.meta.url)),
  draw(),
);
process.exitCode = tally.lost > 0 || grown.length > 0 ? 1 : 0;
