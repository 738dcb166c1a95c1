import { describe, expect, it } from 'vitest';
import { kindOfClient } from './privilege.ts';

const ORIGIN = 'chrome-extension://abc';
const privilegeOf = (url: string | undefined) =>
  kindOfClient(url, ORIGIN)?.privilege;

describe('the privilege of a client', () => {
  it('derives from its page or script', () => {
    expect(
      [`${ORIGIN}/popup.html?tab=1#x`, `${ORIGIN}/background.js`].map(
        privilegeOf,
      ),
    ).toEqual(['dangerous', 'operate']);
  });

  it('is none for anybody else', () => {
    expect(
      [
        undefined,
        'popup.html',
        `${ORIGIN}/vat-host.html`,
        `${ORIGIN}/x/popup.html`,
        'chrome-extension://other/popup.html',
        'https://abc/popup.html',
      ].map(privilegeOf),
    ).toEqual(Array.from({ length: 6 }, () => undefined));
  });
});
