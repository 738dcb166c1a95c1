import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInterfaceReader } from './interfaces.ts';

const interfacesIn = (body: string, slots = 3): (string | null)[] => {
  const read = makeInterfaceReader(body);
  return Array.from({ length: slots }, (_, index) => read(index));
};
const bodyOf = (value: unknown): string => `#${JSON.stringify(value)}`;

describe('interfaces in a body', () => {
  it('are what the first mention of each slot alleges', () => {
    const body = bodyOf([
      'm',
      [{ a: '$0.Alleged: Purse' }, '$0', '$1', '$2.DebugName: X'],
    ]);
    expect(interfacesIn(body)).toEqual(['Purse', null, 'DebugName: X']);
  });

  it('are not found within strings', () => {
    const body = bodyOf(['m', ['say "$0.Alleged: Fake"', '$0.Alleged: Purse']]);
    expect(interfacesIn(body, 1)).toEqual(['Purse']);
  });

  it('are decoded, cleaned of what is no plain text, and cut', () => {
    const odd = 'Alleged: "q" \u0007\u202e\ud800 é';
    const long = `Alleged: ${'x'.repeat(98)}😀${'y'.repeat(50)}`;
    const [first, second] = interfacesIn(bodyOf([`$0.${odd}`, `$1.${long}`]));
    expect(first).toBe('"q" \ufffd\ufffd\ufffd é');
    expect(second).toBe(`${'x'.repeat(98)}…`);
  });

  it('are null where the body is cut short or breaks its own form', () => {
    expect(interfacesIn('#["$0.Alleged', 1)).toEqual([null]);
    expect(interfacesIn('#["$0.\\u12"]', 1)).toEqual([null]);
    expect(interfacesIn('#["$.x","$0."]', 1)).toEqual([null]);
    expect(interfacesIn(`#["$0.${'z'.repeat(5_000)}"]`, 1)).toEqual([null]);
  });

  it('never throw, whatever the body is', () => {
    const piece = fc.constantFrom('"', '$', '0', '.', '\\', 'u00', ',', 'A');
    fc.assert(
      fc.property(
        fc.array(piece).map(all => all.join('')),
        body => {
          interfacesIn(body);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are those of the first mention that has one, by numbers of several digits too', () => {
    const body = bodyOf(['$12', '$12.Alleged: First', '$12.Alleged: Second']);
    expect(makeInterfaceReader(body)(12)).toBe('First');
    expect(makeInterfaceReader(body)(1)).toBe(null);
    expect(makeInterfaceReader('#["$1234567.X"]')(1_234_567)).toBe(null);
  });

  it.each([
    [99, 99],
    [100, 100],
    [101, 100],
  ])('of %i units are kept with %i', (written, kept) => {
    const [iface] = interfacesIn(bodyOf(`$0.${'x'.repeat(written)}`), 1);
    expect(iface).toHaveLength(kept);
    expect(iface?.endsWith('…')).toBe(written !== kept);
  });

  it('are sought among so many mentions and no more, so that a vat can’t spend the kernel’s time', () => {
    const after = (mentions: number): string =>
      `#[${'"$9",'.repeat(mentions)}"$0.Alleged: Purse"]`;
    expect(interfacesIn(after(19_999), 1)).toEqual(['Purse']);
    expect(interfacesIn(after(20_000), 1)).toEqual([null]);
  });
});
