import { describe, expect, it } from 'vitest';
import { makeVatId, type VatId } from '@cooperage/protocol';
import { makeManualClock } from '../testing/manual-clock.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import { makeStartLine, type ReadyStart } from './start-line.ts';
import type { LossCause } from './worker-owner.ts';

const [ASKER, OTHER] = [makeVatId(1), makeVatId(2)];
const HOUR = 3_600_000;

/** Each start has one of its own. */
const makeFlight = (endpoint: VatId): Flight => ({
  endpoint,
  item: null,
  delivery: ['bringOutYourDead'],
  held: undefined,
  additions: new Map(),
  reached: new Set(),
  named: new Set(),
  retired: [],
  later: [],
  action: null,
  decides: null,
});

const setScene = () => {
  const { clock, advance } = makeManualClock();
  const shut = new Set<VatId>();
  const begun: string[] = [];
  const blamed: string[] = [];
  const line = makeStartLine({
    clock,
    mayBegin: vat => !shut.has(vat),
    blame: (vat, problem) => blamed.push(`${vat}: ${problem}`),
  });
  let last = 10;
  const ready = (party: string, asker?: VatId): ReadyStart => {
    last += 1;
    const vat = makeVatId(last);
    const name = `kid${last}`;
    return {
      vat,
      name,
      party,
      asker,
      flight: makeFlight(vat),
      begin: () => begun.push(name),
    };
  };
  return { line, ready, shut, begun, blamed, advance };
};

describe('starts that are held', () => {
  it('begin when they may, party by party, and end', () => {
    const { line, ready, shut, begun } = setScene();
    const starts = ['a', 'a', 'b'].map(party => ready(party));
    starts.forEach(({ vat }) => shut.add(vat));
    expect(line.isAtWork()).toBe(false);
    starts.forEach(line.add);
    expect([begun, line.isAtWork(), line.flights().size]).toEqual([
      [],
      true,
      0,
    ]);
    shut.clear();
    line.goOn();
    expect(begun).toEqual(['kid11', 'kid13', 'kid12']);
    expect(line.isAtWork()).toBe(true);
    expect([...line.flights().values()]).toEqual(
      [0, 2, 1].map(nth => starts[nth]?.flight),
    );
    starts.forEach(line.leave);
    expect([line.isAtWork(), line.flights().size]).toEqual([false, 0]);
  });

  it('wait behind the first one, which may not begin yet, and go without a turn when they leave', () => {
    const { line, ready, shut, begun } = setScene();
    const [first, second] = [ready('a'), ready('b')];
    shut.add(first.vat);
    [first, second].forEach(line.add);
    expect(begun).toEqual([]);
    line.leave(first);
    line.goOn();
    expect(begun).toEqual(['kid12']);
    line.leave({ ...second, flight: first.flight }); // one before it of that vat
    expect(line.flights().size).toBe(1);
  });
});

describe('whoever asks for a start that takes the process of all vats along', () => {
  it('has its next start be alone, and is blamed for that when it is lost alone', () => {
    const { line, ready, shut, begun, blamed } = setScene();
    const first = ready('a', ASKER);
    line.add(first);
    line.noteLoss(first, 'gone', 'host');
    line.leave(first);
    expect(line.suspects().size).toBe(0);
    const [stuck, second] = [ready('b', OTHER), ready('a', ASKER)];
    shut.add(stuck.vat);
    line.add(stuck);
    line.add(second);
    expect([...line.suspects()]).toEqual([[second.vat, 1]]);
    expect(begun).toEqual(['kid11', 'kid13']);
    expect(line.isSuspectWaiting(second.vat)).toBe(false);
    line.noteLoss(second, 'gone again', 'alone');
    line.leave(second);
    expect([line.suspects().size, blamed]).toEqual([0, []]);
    line.goOn();
    line.goOn();
    expect(blamed).toEqual([
      'v1: vat kid13, whose start it asked for, took the process of all vats along, and was not the first: gone again',
    ]);
  });

  it('is not blamed for the first, for one that was lost beside others or by itself, or that had not begun', () => {
    const { line, ready, shut, blamed } = setScene();
    const lose = (
      cause: LossCause,
      asker: VatId | undefined,
      isShut = false,
    ): void => {
      const start = ready('a', asker);
      if (isShut) {
        shut.add(start.vat);
      }
      line.add(start);
      expect(line.isSuspectWaiting(start.vat)).toBe(
        isShut && line.suspects().size > 0,
      );
      line.noteLoss(start, 'gone', cause);
      line.leave(start);
      line.goOn();
    };
    lose('alone', ASKER);
    lose('worker', ASKER);
    lose('host', ASKER);
    lose('alone', ASKER, true);
    lose('alone', undefined);
    lose('worker', OTHER);
    lose('alone', OTHER);
    expect(blamed).toEqual([]);
    lose('alone', ASKER);
    expect(blamed).toHaveLength(1);
  });

  it('is clear of it after an hour', () => {
    const { line, ready, advance } = setScene();
    const loseOne = (): void => {
      const start = ready('a', ASKER);
      line.add(start);
      line.noteLoss(start, 'gone', 'host');
      line.leave(start);
    };
    const isSuspected = (): boolean => {
      const start = ready('a', ASKER);
      line.add(start);
      const is = line.suspects().has(start.vat);
      line.leave(start);
      return is;
    };
    loseOne();
    advance(HOUR - 1);
    expect(isSuspected()).toBe(true);
    advance(1);
    expect(isSuspected()).toBe(false);
  });
});
