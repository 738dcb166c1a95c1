import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';
import { type, typeForData } from './typing.ts';

const page = readFileSync(
  new URL('../../../docs/inspecting.md', import.meta.url),
  'utf8',
);
/** Each block of code, and the value that stands in the comment at its end. */
const SAMPLES = [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(
  ([, block = '']) => {
    const lines = block.trimEnd().split('\n');
    const end = lines.findLastIndex(line => !line.startsWith('//')) + 1;
    const literal = lines.slice(end).map(line => line.slice(2));
    return {
      code: lines.slice(0, end).join('\n'),
      literal: literal.join('\n'),
    };
  },
);

/** Numbers of references, vats and sessions are another kernel's. */
const withoutNumbers = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replace(/\b(ko|kp|v|s)\d+/g, '$1#'));

describe('docs/inspecting.md', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('demo')}).then(() => {})`,
    );
  });
  afterAll(() => extension.close());

  it('gives what it says, sample by sample', async () => {
    const told: unknown[] = [];
    const expected: unknown[] = [];
    for (const { code, literal } of SAMPLES) {
      const value = await typeForData(extension, code);
      const promised: unknown = runInNewContext(`(${literal})`, { kim: {} });
      told.push({ code, value: withoutNumbers(value) });
      expected.push({ code, value: withoutNumbers(promised) });
    }
    expect(SAMPLES.length).toBeGreaterThan(4);
    expect(told).toEqual(expected);
  });

  it('is about records that a console prints with their presences', async () => {
    const { result } = await type(extension, `await E(kernel).inspect(kim)`);
    expect(result).toMatchObject({ type: 'object', className: 'Object' });
    const [first] = result?.preview?.properties ?? [];
    expect(first).toMatchObject({
      name: 'object',
      value: expect.stringMatching(/^Alleged: Friend kim \(ko\d+\)$/),
    });
  });
});
