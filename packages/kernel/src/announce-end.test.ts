import { expect, it } from 'vitest';
import { announceEnd } from './announce-end.ts';
import { CriticalLoss } from './faults.ts';
import { makePhase } from './phase.ts';

it.each([
  ['a defect, with its stack', Error('a defect'), /^Error: a defect\n +at /],
  ['a thrown word', 'a word', /^a word$/],
  [
    'the loss of a critical vat, without a stack',
    new CriticalLoss('timer is gone'),
    /^timer is gone$/,
  ],
])('the log says why the kernel has stopped: %s', (_title, cause, words) => {
  const phase = makePhase();
  const lines: unknown[] = [];
  announceEnd(
    phase,
    { write: entry => lines.push(entry), stir: () => lines.push('stirred') },
    { now: () => 7 },
  );
  phase.end('failed', cause);
  expect(lines).toEqual([
    {
      at: 7,
      vat: null,
      label: 'kernel',
      level: 'error',
      text: expect.stringMatching(/^the kernel has stopped: /),
    },
    'stirred',
  ]);
  const { text } = Object(lines[0]);
  expect(text.replace('the kernel has stopped: ', '')).toMatch(words);
});

it('the log says nothing of a kernel that was stopped', () => {
  const phase = makePhase();
  const lines: unknown[] = [];
  announceEnd(
    phase,
    { write: entry => lines.push(entry), stir: () => lines.push('stirred') },
    { now: () => 7 },
  );
  phase.end('stopped');
  expect(lines).toEqual(['stirred']);
});
