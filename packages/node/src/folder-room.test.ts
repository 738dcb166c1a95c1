import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolderRoom } from './folder-room.ts';

it('the room of a folder is what its own files take, and what its disk has left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-'));
  writeFileSync(join(folder, 'kernel.sqlite'), 'x'.repeat(5_000));
  writeFileSync(join(folder, 'vat-v1.sqlite'), 'x'.repeat(700));
  mkdirSync(join(folder, 'backups'));
  writeFileSync(join(folder, 'backups', 'monday.cooperage'), 'x'.repeat(9_000));
  const { used, left } = await makeFolderRoom(folder)();
  const { blocks, bsize } = statfsSync(folder);
  expect(used).toBe(5_700);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(blocks * bsize);
  rmSync(folder, { recursive: true });
});
