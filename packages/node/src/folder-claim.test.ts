import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFolder } from './folder-claim.ts';

describe('the claim of a folder', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cooperage-claim-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps others out until it is ended, and says who has it', () => {
    const release = claimFolder(folder);
    expect(() => claimFolder(folder)).toThrow(
      expect.objectContaining({
        code: 'STORAGE_IN_USE',
        message: expect.stringContaining(`in use by process ${process.pid}`),
      }),
    );
    expect(readdirSync(folder)).toHaveLength(1);
    release();
    claimFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('counts for nothing when its process is gone', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeFileSync(join(folder, `claim-${child.pid}-0-1`), '');
    claimFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'counts for nothing when another process has the number of the one that made it',
    () => {
      writeFileSync(join(folder, `claim-${process.pid}-1-1`), '');
      claimFolder(folder)();
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
