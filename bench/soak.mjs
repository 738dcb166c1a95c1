// @ts-check
/**
 * `node bench/soak.mjs [messages] [rounds]`: 100,000 messages of every kind, ten
 * times over, with a collection after each round. Prints what the heaps of the
 * kernel and of both vats hold then, and draws it as `docs/heaps.svg`. Round 0
 * only warms up.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildForNode } from './build.mjs';

/** @typedef {{ heaps: readonly { bytes: number }[], rows: number }} Round */

const MESSAGES_PER_DEED = 1.6;
/** Of the console's visits, which are one message in twenty: the others are the vats'. */
const MESSAGES_PER_VISIT = 5;
const VISITING = 1 / 20;
/** By their place among the threads; near and far, the other two, do nothing. */
const SHOWN = [
  { thread: 0, name: 'kernel', color: '#2563eb' },
  { thread: 3, name: 'left', color: '#d97706' },
  { thread: 4, name: 'right', color: '#059669' },
];

const messages = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 10);

/** @param {Round} round @param {number} thread */
const megabytes = (round, thread) => (round.heaps[thread]?.bytes ?? 0) / 1e6;

/** @param {readonly Round[]} found */
const draw = found => {
  const width = 640;
  const height = 300;
  const top = Math.ceil(
    Math.max(
      ...found.flatMap(round =>
        SHOWN.map(({ thread }) => megabytes(round, thread)),
      ),
    ) * 1.2,
  );
  const x = (/** @type {number} */ nth) => 60 + (nth * 540) / rounds;
  const y = (/** @type {number} */ size) => 250 - (size * 220) / top;
  const text = (
    /** @type {number} */ left,
    /** @type {number} */ base,
    /** @type {string} */ words,
    anchor = 'middle',
  ) =>
    `<text x="${left.toFixed(1)}" y="${base.toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  const lines = SHOWN.map(({ thread, name, color }) => {
    const points = found
      .map(
        (round, nth) =>
          `${x(nth).toFixed(1)},${y(megabytes(round, thread)).toFixed(1)}`,
      )
      .join(' ');
    const last = found.at(-1);
    return [
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`,
      last &&
        `<g fill="${color}">${text(x(rounds), y(megabytes(last, thread)) - 6, name, 'end')}</g>`,
    ].join('');
  });
  const ticks = found.map((_, nth) => text(x(nth), 268, String(nth)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<path d="M60 30V250H600" fill="none" stroke="#888"/>
${text(54, 34, `${top} MB`, 'end')}${text(54, 254, '0', 'end')}
${ticks.join('')}
${text(330, 290, `rounds of ${messages.toLocaleString('en-US')} messages`)}
${lines.join('\n')}
</svg>
`;
};

const script = await buildForNode('soak-node.ts');
const child = fork(
  script,
  [
    JSON.stringify({
      rounds,
      deeds: Math.ceil((messages * (1 - VISITING)) / MESSAGES_PER_DEED),
      visits: Math.ceil((messages * VISITING) / MESSAGES_PER_VISIT),
    }),
  ],
  {
    execArgv: [
      '--require',
      fileURLToPath(new URL('soak-thread.cjs', import.meta.url)),
    ],
  },
);
/** @type {Round[]} */
const found = [];
console.log('round  kernel    left   right  MB; rows of the database');
child.on('message', message => {
  const round = /** @type {Round} */ (message);
  const sizes = SHOWN.map(({ thread }) =>
    megabytes(round, thread).toFixed(2).padStart(7),
  );
  console.log(
    `${String(found.length).padStart(5)} ${sizes.join(' ')}      ${round.rows}`,
  );
  found.push(round);
});
child.on('exit', code => {
  process.exitCode = code ?? 1;
  if (code === 0) {
    const path = fileURLToPath(new URL('../docs/heaps.svg', import.meta.url));
    writeFileSync(path, draw(found));
  }
});
