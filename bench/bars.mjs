// @ts-check
/**
 * What each case must reach and what it aims at: the one place for these
 * numbers. `figure` is a path into a result: `value`, `ratioToFloor` or
 * `peers.<name>`. A bar without `isMost` is a least; one without numbers is no
 * bar, and stands here for the page to show what was got.
 *
 * @typedef {{
 *   name: string,
 *   platform?: 'node' | 'chromium',
 *   figure: string,
 *   atLeast?: number,
 *   aim?: number,
 *   isMost?: boolean,
 * }} Bar
 */

/** @type {readonly Bar[]} */
export const BARS = [
  {
    name: 'roundtrip-seq',
    platform: 'node',
    figure: 'ratioToFloor',
    atLeast: 0.8,
    aim: 1.1,
  },
  {
    name: 'roundtrip-seq',
    platform: 'chromium',
    figure: 'ratioToFloor',
    atLeast: 1,
    aim: 1.5,
  },
  {
    name: 'alias',
    figure: 'peers.direct send',
    atLeast: 1.15,
    aim: 1.05,
    isMost: true,
  },
  { name: 'stream-1000', figure: 'ratioToFloor', atLeast: 1, aim: 2 },
  {
    name: 'stream-pairs',
    platform: 'node',
    figure: 'peers.one pair',
    atLeast: 1.2,
    aim: 1.8,
  },
  {
    name: 'stream-pairs',
    platform: 'chromium',
    figure: 'peers.one pair',
    atLeast: 1.1,
    aim: 1.5,
  },
  {
    name: 'roundtrip-seq',
    platform: 'node',
    figure: 'peers.captp',
    atLeast: 0.8,
    aim: 1.2,
  },
  {
    name: 'stream-1000',
    platform: 'node',
    figure: 'peers.captp',
    atLeast: 1,
    aim: 1.5,
  },
  // A third worker relays between the two of captp, as the kernel does between vats; those of captp direct have nobody
  // between.
  { name: 'roundtrip-seq', platform: 'chromium', figure: 'peers.captp' },
  { name: 'stream-1000', platform: 'chromium', figure: 'peers.captp' },
  { name: 'roundtrip-seq', figure: 'peers.captp direct' },
  { name: 'stream-1000', figure: 'peers.captp direct' },
  {
    name: 'roundtrip-seq-memory',
    platform: 'node',
    figure: 'peers.swingset',
    atLeast: 4,
    aim: 8,
  },
  { name: 'two-cpu-vats', figure: 'peers.one vat', atLeast: 1.7, aim: 1.9 },
  {
    name: 'console-seq',
    platform: 'chromium',
    figure: 'value',
    atLeast: 300,
    aim: 600,
  },
  {
    name: 'console-100',
    platform: 'chromium',
    figure: 'value',
    atLeast: 1500,
    aim: 3000,
  },
  {
    name: 'sql-per-roundtrip',
    figure: 'value',
    atLeast: 1,
    aim: 0.1,
    isMost: true,
  },
  { name: 'rows-after', figure: 'value', atLeast: 0, aim: 0, isMost: true },
  // Half a byte a round trip: what a collection leaves varies by some kilobytes.
  { name: 'heap-after', figure: 'value', atLeast: 16, aim: 1, isMost: true },
  {
    name: 'vat-start-1',
    platform: 'chromium',
    figure: 'value',
    atLeast: 300,
    aim: 200,
    isMost: true,
  },
  {
    name: 'vat-start-10',
    platform: 'chromium',
    figure: 'value',
    atLeast: 200,
    aim: 60,
    isMost: true,
  },
  {
    name: 'vat-start-100k',
    figure: 'value',
    atLeast: 150,
    aim: 60,
    isMost: true,
  },
  {
    name: 'upgrade',
    figure: 'peers.bare start',
    atLeast: 1.5,
    aim: 1.2,
    isMost: true,
  },
  {
    name: 'restart',
    figure: 'peers.bare start',
    atLeast: 1.5,
    aim: 1,
    isMost: true,
  },
  {
    name: 'upgrade-bystander',
    figure: 'peers.no upgrade',
    atLeast: 0.4,
    aim: 0.7,
  },
  { name: 'vat-memory', figure: 'value', atLeast: 18, aim: 12, isMost: true },
  {
    name: 'store-increment',
    figure: 'ratioToFloor',
    atLeast: 1.2,
    aim: 1.05,
    isMost: true,
  },
  {
    name: 'store-iterate',
    figure: 'ratioToFloor',
    atLeast: 1.5,
    aim: 1.1,
    isMost: true,
  },
  { name: 'reap-1000', figure: 'value', atLeast: 950, aim: 1000 },
  { name: 'reap-1000-time', figure: 'value' },
  { name: 'reap-1000-time', figure: 'peers.nothing dead' },
  { name: 'reap-1000-memory', figure: 'value' },
  { name: 'gc-cost', figure: 'peers.off', atLeast: 0.9, aim: 0.97 },
  {
    name: 'terminate-100k',
    figure: 'value',
    atLeast: 20,
    aim: 8,
    isMost: true,
  },
  {
    name: 'bystander',
    figure: 'peers.idle',
    atLeast: 3,
    aim: 1.2,
    isMost: true,
  },
  {
    name: 'bystander-one',
    figure: 'peers.idle',
    atLeast: 3,
    aim: 1.2,
    isMost: true,
  },
];
