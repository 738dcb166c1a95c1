import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';
import { typeForData } from './typing.ts';

type Step = {
  /** What the person reads before the code. */
  readonly prose: string;
  /** Undefined when there is nothing to type. */
  readonly code?: string;
};

const section = (title: string): string => {
  const readme = readFileSync(
    new URL('../../../README.md', import.meta.url),
    'utf8',
  );
  const [, found] = readme.split(`\n## ${title}\n`);
  const [text] = (found ?? '').split('\n## ');
  return text ?? '';
};

/** The numbered steps, each with the block of code that stands in it. */
const STEPS: readonly Step[] = section('The first five minutes')
  .split(/^\d+\. /m)
  .slice(1)
  .map(item => {
    const [prose = '', code] = item.split(/^ {3}```(?:js)?\n/m);
    return code === undefined
      ? { prose }
      : { prose, code: code.replace(/^ {3}```[\s\S]*/m, '') };
  });

/** The comment at the end of a block: the value of its last statement. */
const valueIn = (code: string): unknown => {
  const [, literal] = /\/\/ (.*)\s*$/.exec(code) ?? [];
  return literal === undefined
    ? undefined
    : JSON.parse(JSON.stringify(runInNewContext(`(${literal})`)));
};

/** What the prose says that the console logs. */
const logsIn = (prose: string): readonly string[] => {
  const [, list = ''] = /the console logs (.*)/.exec(prose) ?? [];
  return [...list.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text);
};

const COLLECT_LOGS = `
  globalThis.logs = [];
  globalThis.log ??= console.log;
  console.log = text => { logs.push(text); log(text); };
  undefined`;

describe('the README', () => {
  const profile = makeProfile();
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension({ profile: profile.path });
  });
  afterAll(async () => {
    await extension.close();
    profile.dispose();
  });

  const enter = (text: string) => typeForData(extension, text);

  it('has steps with code', () => {
    expect(STEPS.map(({ code }) => (code === undefined ? '' : 'code'))).toEqual(
      ['', '', 'code', 'code', 'code', 'code', 'code'],
    );
  });

  it('gives what it says, step by step', async () => {
    const [, title = ''] =
      /sample cluster _(.*?)_/.exec(STEPS[0]?.prose ?? '') ?? [];
    const panel = await extension.openPopup();
    await panel.getByRole('tab', { name: /^Launch/ }).click();
    await panel.getByRole('button', { name: title }).click();
    await panel.getByRole('button', { name: 'Launch', exact: true }).click();
    const vats = panel.getByRole('region', { name: 'Vats' });
    for (const name of ['alice', 'bob', 'carol']) {
      await vats.getByText(name).first().waitFor();
    }
    await panel.close();

    const told: unknown[] = [];
    for (const { prose, code = '' } of STEPS.slice(2)) {
      if (/\bkill\b/.test(prose)) {
        await extension.killBrowser();
        extension = await startExtension({ profile: profile.path });
      }
      await enter(COLLECT_LOGS);
      const value = await enter(code);
      told.push({ code, value, logs: await enter(`logs`) });
    }
    expect(told).toEqual(
      STEPS.slice(2).map(({ prose, code = '' }) => ({
        code,
        value: valueIn(code),
        logs: logsIn(prose),
      })),
    );
  });

  it('is followed by a help whose examples run', async () => {
    await clear(extension);
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('demo')}).then(() => {})`,
    );
    const help = await extension.inConsole<string>(`E(kernel).help()`);
    const [, examples = ''] = /Examples.*\n((?: {4}.*\n)+)/.exec(help) ?? [];
    const lines = examples
      .split('\n')
      .map(line => line.trim().replace(/ {3,}.*$/, ''))
      .filter(line => line !== '');
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) {
      await enter(line);
    }
  });
});
