import { expect, it } from 'vitest';
import { makeCourse } from './launch-course.ts';

it('a launch goes on until the first thing goes wrong, which all hear of who wait', async () => {
  const course = makeCourse();
  const heard: string[] = [];
  course.onAbort(() => heard.push('before'));
  course.insist();
  expect(await course.wait(Promise.resolve(7))).toBe(7);
  const never = course.wait(new Promise(() => {}));
  expect(heard).toEqual([]);
  course.abort(Error('first'));
  course.abort(Error('second'));
  expect(heard).toEqual(['before']);
  course.onAbort(() => heard.push('after'));
  expect(heard).toEqual(['before', 'after']);
  await expect(never).rejects.toThrow('first');
  await expect(course.wait(new Promise(() => {}))).rejects.toThrow('first');
  expect(() => course.insist()).toThrow('first');
});
