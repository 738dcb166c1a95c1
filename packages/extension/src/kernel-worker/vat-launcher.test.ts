import { describe, expect, it } from 'vitest';
import { makeVatId } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import type { FromKernelWorker } from '../control-words.ts';
import { makeVatLauncher } from './vat-launcher.ts';

/** A launcher whose beats a test gives, and the other ends of its ports. */
const makeScene = () => {
  const ends: MessagePort[] = [];
  let looks = 0;
  let beat: (() => void) | undefined;
  const { launcher } = makeVatLauncher(
    (word: FromKernelWorker) => {
      if (word.type === 'launch') {
        ends.push(word.port);
      }
      looks += word.type === 'look' ? 1 : 0;
    },
    (_milliseconds, callback) => {
      beat = callback;
      return () => {
        beat = undefined;
      };
    },
  );
  /** Gives three beats, as far as there are any; tells how many looks came of them. */
  const looksOfThree = (): number => {
    const before = looks;
    for (let beats = 0; beats < 3; beats += 1) {
      beat?.();
    }
    return looks - before;
  };
  const start = async () => {
    const port = await launcher.launch(makeVatId(1));
    const end = ends.at(-1);
    if (end === undefined) {
      throw Error('nothing was launched');
    }
    const worker = makeMessagePortStream(end);
    const heard: unknown[] = [];
    let tell = (): void => {};
    port.receive(
      message => {
        heard.push(message);
        tell();
      },
      () => {},
    );
    /** Resolves when the launcher has heard it. */
    const say = (type: string): Promise<void> =>
      new Promise(resolve => {
        tell = resolve;
        worker.send({ type });
      });
    return { port, say, end: () => worker.close() };
  };
  return { start, looksOfThree, hasBeat: () => beat !== undefined };
};

describe('the watch over the host of the vats', () => {
  it('looks as long as a vat owes an answer, and beats no more when none does', async () => {
    const { start, looksOfThree, hasBeat } = makeScene();
    const vat = await start();
    expect(looksOfThree()).toBe(3);
    await vat.say('hello');
    expect(looksOfThree()).toBe(3);
    await vat.say('ready');
    expect(looksOfThree()).toBe(0);
    expect(hasBeat()).toBe(false);
    vat.port.send({
      type: 'deliver',
      crank: 1,
      delivery: ['bringOutYourDead'],
    });
    await vat.say('log');
    expect(looksOfThree()).toBe(3);
    await vat.say('done');
    expect(looksOfThree()).toBe(0);
    expect(hasBeat()).toBe(false);
    vat.port.kill();
    vat.end();
  });

  it('ends with a vat that is killed over its delivery', async () => {
    const { start, looksOfThree } = makeScene();
    const [first, second] = [await start(), await start()];
    first.port.kill();
    expect(looksOfThree()).toBe(3);
    second.port.kill();
    expect(looksOfThree()).toBe(0);
    first.end();
    second.end();
  });
});
