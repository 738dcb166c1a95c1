// @ts-check
import { describe, expect, it } from 'vitest';
import { countTests, filesToTryAgain, mergeRuns } from './test-runs.mjs';

/** @param {string} name @param {string[]} failures one for each test; empty when it passed */
const file = (name, failures) => ({
  name,
  status: failures.every(text => text === '') ? 'passed' : 'failed',
  message: '',
  assertionResults: failures.map((text, nth) => ({
    fullName: `${name} ${nth}`,
    status: text === '' ? 'passed' : 'failed',
    failureMessages: text === '' ? [] : [text],
  })),
});

describe('test files that failed', () => {
  const good = file('good', ['', '']);
  const late = file('late', ['', 'Error: timed out']);

  it('are tried again, and no others', () => {
    expect(filesToTryAgain([good, late])).toEqual(['late']);
  });

  it('are tried again when they could not even begin', () => {
    const empty = { ...file('empty', []), status: 'failed' };
    expect(filesToTryAgain([good, empty])).toEqual(['empty']);
  });

  it('are not when there are many, or one is a counterexample', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map(name => file(name, ['x']));
    expect(filesToTryAgain(many)).toEqual([]);
    const found = file('found', ['Error: Property failed after 3 tests']);
    expect(filesToTryAgain([late, found])).toEqual([]);
    const seed = file('seed', ['seed 7 fails; to see it again: npm run fuzz']);
    expect(filesToTryAgain([late, seed])).toEqual([]);
  });

  it('are not when a suite of kills has found something, unless it was too slow', () => {
    const name = 'packages/cli/src/kill.test.ts';
    const lost = file(name, ['', 'AssertionError: expected 3 to be 4']);
    expect(filesToTryAgain([late, lost])).toEqual([]);
    const slow = file(name, ['Error: Test timed out in 120000ms.']);
    expect(filesToTryAgain([late, slow])).toEqual(['late', name]);
  });

  it('count as they came out last', () => {
    expect(countTests([good, late])).toEqual({
      passed: 3,
      failed: 1,
      skipped: 0,
    });
    expect(
      countTests(mergeRuns([good, late], [file('late', ['', ''])])),
    ).toEqual({ passed: 4, failed: 0, skipped: 0 });
  });
});
