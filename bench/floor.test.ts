import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeFloor } from './floor/kernel.ts';

const folder = new URL('floor/', import.meta.url);
const texts = readdirSync(folder).map(name =>
  readFileSync(new URL(name, folder), 'utf8'),
);

test('the floor has at most 200 lines', () => {
  const lines = texts.join('').split('\n').length - 1;
  expect(lines).toBeLessThanOrEqual(200);
});

test('the floor imports nothing of ours', () => {
  const imports = texts.flatMap(text =>
    [...text.matchAll(/from '([^']+)'|import '([^']+)'/g)].map(
      ([, one, other]) => one ?? other,
    ),
  );
  const own = imports.filter(
    name => name?.startsWith('..') || name?.startsWith('@cooperage/'),
  );
  expect(own).toEqual([]);
  expect(imports).toContain('@agoric/swingset-liveslots');
});

test('the floor commits each crank before it passes on what it says, one delivery at a time to a vat', async () => {
  const events: string[] = [];
  const answers: ((message: unknown) => void)[] = [];
  const ports = [0, 1].map(vat => ({
    on: (_event: 'message', listener: (message: unknown) => void) => {
      answers[vat] = listener;
    },
    postMessage: (message: unknown) => {
      const [name] = Array.isArray(message) ? message : ['program'];
      events.push(`${name} to ${vat}`);
    },
  }));
  const done = (vat: number, ...syscalls: unknown[][]): void =>
    answers[vat]?.({ syscalls, changes: [] });
  const floor = makeFloor('', ports, vat => events.push(`commit of ${vat}`));
  const data = { body: '#"pong"', slots: [] };

  const answer = floor.call('o-0', 'roundTrips', [1], ['o-1']);
  done(0);
  done(1);
  done(0, ['send', 'o-1', data, 'p+5'], ['subscribe', 'p+5']);
  done(1, ['resolve', [['p-2', false, data]]]);
  done(0, ['resolve', [['p-1', false, data]]]);
  expect(await answer).toBe('#"pong"');
  expect(events).toEqual([
    'program to 0',
    'startVat to 0',
    'program to 1',
    'startVat to 1',
    'commit of 0',
    'message to 0',
    'commit of 1',
    'commit of 0',
    'message to 1',
    'commit of 1',
    'notify to 0',
    'commit of 0',
  ]);
});
