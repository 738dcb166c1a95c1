// @ts-check
/**
 * The results of runs: joined, compared with the bars, and shown.
 *
 * @typedef {import('./bars.mjs').Bar} Bar
 * @typedef {import('./catalogue.mjs').Case} Case
 * @typedef {{
 *   name: string,
 *   platform: string,
 *   value: number,
 *   unit: string,
 *   floor: number | null,
 *   ratioToFloor: number | null,
 *   peers: Record<string, number>,
 * }} Result as `out/latest.json` holds it
 */
import { keyOf, platformsOf } from './catalogue.mjs';

/**
 * A result with all its fields, of a figure that may lack some.
 * @param {import('./measure.ts').Result} figure
 * @returns {Result}
 */
export const completeResult = ({ name, platform, value, unit, ...more }) => ({
  name,
  platform,
  value,
  unit,
  floor: more.floor ?? null,
  ratioToFloor: more.ratioToFloor ?? null,
  peers: { ...more.peers },
});

/**
 * The results of a run beside the old ones that it did not try to measure anew: what it tried in vain
 * goes, a ratio to a peer that it has left out too, and what no case gives any more. In the order of `known`.
 * @param {{
 *   old: readonly Result[],
 *   fresh: readonly Result[],
 *   known: ReadonlySet<string>,
 *   tried: ReadonlySet<string>,
 * }} run with the keys of what can be measured, and of what the run was to measure
 * @returns {Result[]}
 */
export const mergeResults = ({ old, fresh, known, tried }) => {
  const kept = old.filter(each => !tried.has(keyOf(each)));
  const byKey = new Map([...kept, ...fresh].map(each => [keyOf(each), each]));
  return [...known].flatMap(key => byKey.get(key) ?? []);
};

/**
 * The number that a bar speaks of; undefined when the run has not measured it.
 * @param {Result} result
 * @param {string} figure
 */
export const readFigure = (result, figure) => {
  if (figure.startsWith('peers.')) {
    return result.peers[figure.slice('peers.'.length)];
  }
  const found = figure === 'value' ? result.value : result.ratioToFloor;
  return found ?? undefined;
};

/**
 * @param {number} value
 * @param {Bar} bar
 * @returns {'aim' | 'meets' | 'MISSES' | 'no bar'}
 */
export const judge = (value, { atLeast, aim, isMost }) => {
  if (atLeast === undefined || aim === undefined) {
    return 'no bar';
  }
  /** @param {number} bound */
  const reaches = bound => (isMost ? value <= bound : value >= bound);
  return reaches(aim) ? 'aim' : reaches(atLeast) ? 'meets' : 'MISSES';
};

/** @param {number | null | undefined} value */
const show = value => {
  if (value === null || value === undefined) {
    return '';
  }
  const most = Math.abs(value) < 100 ? 2 : 0;
  return value.toLocaleString('en', { maximumFractionDigits: most });
};

/** @param {Bar} bar */
const showBound = ({ atLeast, isMost }) =>
  atLeast === undefined ? '' : `${isMost ? '≤' : '≥'} ${show(atLeast)}`;

/** @param {string} figure */
const showFigure = figure =>
  figure === 'ratioToFloor'
    ? 'to the floor'
    : figure.replace(/^peers\./, 'to ');

/**
 * One row of cells for each bar of a result, one without a bar when it has none,
 * and one for each peer that no bar speaks of.
 * @param {Result} result
 * @param {readonly Bar[]} bars
 */
const rowsOf = (result, bars) => {
  const { name, platform, value, unit, floor, ratioToFloor, peers } = result;
  const head = [name, platform, show(value), unit, show(floor)];
  const own = bars.filter(
    bar =>
      bar.name === name &&
      (bar.platform === undefined || bar.platform === platform),
  );
  const figures = [
    ...(ratioToFloor === null ? [] : ['ratioToFloor']),
    ...Object.keys(peers).map(peer => `peers.${peer}`),
    ...(own.some(({ figure }) => figure === 'value') ? ['value'] : []),
  ];
  const rows = figures.map(figure => {
    const bar = own.find(each => each.figure === figure);
    const found = readFigure(result, figure);
    const cells = [showFigure(figure), show(found)];
    if (bar?.atLeast === undefined || found === undefined) {
      return cells;
    }
    const bounds = `${showBound(bar)}, aim ${show(bar.aim)}`;
    return [...cells, bounds, judge(found, bar)];
  });
  if (rows.length === 0) {
    rows.push([]);
  }
  const blank = head.map(() => '');
  return rows.map((cells, index) => [
    ...(index === 0 ? head : blank),
    ...cells,
  ]);
};

const TITLES = [
  'case',
  'platform',
  'value',
  'unit',
  'floor',
  'compared',
  'ratio',
  'bar',
  'verdict',
];
/** Columns of numbers. */
const RIGHT = new Set([2, 4, 6]);

/**
 * The results as a table for people, a line each.
 * @param {readonly Result[]} results
 * @param {readonly Bar[]} bars
 */
export const formatTable = (results, bars) => {
  const rows = [TITLES, ...results.flatMap(each => rowsOf(each, bars))];
  const widths = TITLES.map((_, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  return rows.map(row =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return RIGHT.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
};

/** Peers that have less to do than the others: no table shows them without a word of it. */
const LIGHT_PEERS = ['captp', 'captp direct', 'capnweb', 'comlink'];

/**
 * What must be said with a table of these results.
 * @param {readonly Result[]} results
 */
export const remarksOn = results => {
  const named = LIGHT_PEERS.filter(peer =>
    results.some(({ peers }) => peers[peer] !== undefined),
  );
  return named.length === 0
    ? []
    : [
        `${named.join(', ')} neither persist nor isolate: see docs/performance.md`,
      ];
};

/** @param {readonly (readonly string[])[]} rows */
const formatMarkdown = rows => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  const lines = rows.map(
    row =>
      `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`,
  );
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
};

/**
 * Closer than `show`: a bar may be missed by little.
 * @param {number | undefined} value
 */
const showGot = value =>
  value !== undefined && Math.abs(value) < 10
    ? value.toLocaleString('en', { maximumFractionDigits: 3 })
    : show(value);

/**
 * Every bar with what was got on each platform where it can be measured, as
 * Markdown; what was not measured is told too.
 * @param {readonly Result[]} results
 * @param {readonly Bar[]} bars
 * @param {readonly Case[]} cases
 */
export const formatBars = (results, bars, cases) => {
  const byKey = new Map(results.map(each => [keyOf(each), each]));
  const rows = bars.flatMap(bar => {
    const { name, figure } = bar;
    const platforms = platformsOf(cases, name).filter(
      each => bar.platform === undefined || bar.platform === each,
    );
    return platforms.map(platform => {
      const result = byKey.get(keyOf({ name, platform }));
      const got = result && readFigure(result, figure);
      return [
        `\`${name}\` ${platform}`,
        figure === 'value' ? (result?.unit ?? '') : showFigure(figure),
        showBound(bar),
        show(bar.aim),
        showGot(got),
        got === undefined ? 'not measured' : judge(got, bar),
      ];
    });
  });
  return formatMarkdown([
    ['case', 'figure', 'bar', 'aim', 'got', 'verdict'],
    ...rows,
  ]);
};

const BEGIN = '<!-- results: written by `npm run bench` -->';
const END = '<!-- end of results -->';

/**
 * The page with that table between its two marks, which it must have.
 * @param {string} page
 * @param {string} table
 */
export const placeTable = (page, table) => {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) {
    throw Error(`the page has no place for results: ${BEGIN} … ${END}`);
  }
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
};
