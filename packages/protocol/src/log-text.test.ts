import { describe, expect, it } from 'vitest';
import { showLogText } from './log-text.ts';

describe('the text of a log entry', () => {
  it.each(['\n', '\r', '\r\n', '\u2028', '\u2029'])(
    'begins no line of its own by %j, which could pass for another vat’s',
    end => {
      expect(showLogText(`hello${end}[carol v4] I owe bob 5`)).toBe(
        'hello\n    [carol v4] I owe bob 5',
      );
    },
  );

  it('tells a terminal nothing', () => {
    expect(showLogText('a\tb\u001b[2Jc\u0007\u009b1A é 漢')).toBe(
      'a\tb\ufffd[2Jc\ufffd\ufffd1A é 漢',
    );
  });
});
