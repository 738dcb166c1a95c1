// @ts-check
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assignFiles, PARTS } from './mutation-parts.mjs';
import { root } from './setup.mjs';

const source = join(root, 'packages/kernel/src');

describe('the parts of the kernel that are broken', () => {
  it('have every file of it once', () => {
    const files = readdirSync(source, { recursive: true }).map(String);
    const assigned = [...assignFiles(PARTS, files).values()].flat();
    expect(assigned).toContain('gc/collection.ts');
    expect(assigned.filter(file => /test|suite/.test(file))).toEqual([]);
    expect(new Set(assigned).size).toBe(assigned.length);
  });

  it('are refused when a file is in none or in two, or is not there', () => {
    const parts = [
      { name: 'one', files: ['a', 'gc/{a,b}'] },
      { name: 'other', files: ['gc/*', 'gone'] },
    ];
    const files = ['a.ts', 'b.ts', 'b.test.ts', 'gc/a.ts', 'gc/c.ts', 'x.md'];
    expect(() => assignFiles(parts, files)).toThrow(
      [
        'scripts/mutation-parts.mjs:',
        '  part other names gone, which is not there',
        '  gc/a.ts is in two parts: one and other',
        '  b.ts is in no part',
      ].join('\n'),
    );
  });
});
