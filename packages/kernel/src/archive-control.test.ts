import { expect, it } from 'vitest';
import { makeArchiveMethods } from './archive-control.ts';

const CHECKED = { files: 1, bytes: 2, damaged: [] };
const SAVED = { name: 'monday', files: 1, bytes: 2 };

const check = () => Promise.resolve(CHECKED);
const backup = () => Promise.resolve(SAVED);

it('what is stored is checked, copied, and replaced by the copy of a name', async () => {
  const restored: string[] = [];
  const methods = makeArchiveMethods(
    {
      backup,
      restore: name => {
        restored.push(name);
        return Promise.resolve();
      },
    },
    check,
  );
  expect([
    await methods.check(),
    await methods.backup(),
    await methods.restore({ name: 'monday' }),
    restored,
  ]).toEqual([CHECKED, SAVED, null, ['monday']]);
  await expect(methods.restore({})).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: 'The request needs name, a text',
  });
  expect(restored).toEqual(['monday']);
});

it('a kernel that runs is not replaced where that can’t be done', async () => {
  const methods = makeArchiveMethods({ backup }, check);
  expect(await methods.backup()).toEqual(SAVED);
  await expect(methods.restore({ name: 'monday' })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message:
      'A kernel that runs here can’t have its state replaced: stop it first',
  });
});

it('where nothing outlives the kernel there is nothing to copy or to replace', async () => {
  const methods = makeArchiveMethods(undefined, check);
  const refusal = {
    code: 'BAD_REQUEST',
    message: 'This kernel stores nothing that outlives it',
  };
  expect(() => methods.backup()).toThrow(expect.objectContaining(refusal));
  await expect(methods.restore({ name: 'monday' })).rejects.toMatchObject(
    refusal,
  );
  expect(await methods.check()).toEqual(CHECKED);
});
