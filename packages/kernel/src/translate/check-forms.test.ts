import { DEFAULT_VAT_LIMITS, showValue } from '@cooperage/protocol';
import { WORD_FORMS } from '@cooperage/protocol/vat-words';
import { describe, expect, it } from 'vitest';
import { EndpointFault } from '../faults.ts';
import { makeJunk } from '../testing/junk.ts';
import {
  conforms,
  placesIn,
  putInto,
  samplesOf,
} from '../testing/word-forms.ts';
import { checkDone, checkFailed, checkLog, parseKind } from './check.ts';

/** Whether the checks let the word through; whatever they throw but a fault of the vat is a fault of theirs. */
const isTaken = (word: unknown): boolean => {
  try {
    const { type, fields } = parseKind(word);
    if (type === 'done') {
      checkDone(fields, DEFAULT_VAT_LIMITS);
    } else if (type === 'log') {
      checkLog(fields, DEFAULT_VAT_LIMITS);
    } else if (type === 'failed') {
      checkFailed(fields, DEFAULT_VAT_LIMITS);
    } else {
      return false;
    }
    return true;
  } catch (problem) {
    expect(problem).toBeInstanceOf(EndpointFault);
    return false;
  }
};

describe.each(['done', 'log', 'failed'] as const)(
  'of the word %s, as its form describes it,',
  name => {
    const form = WORD_FORMS[name];
    const samples = samplesOf(form);

    it('every alternative is taken', () => {
      expect(samples.map(isTaken)).toEqual(samples.map(() => true));
    });

    it('whatever stands in any place instead is taken when it is of the form of that place, and refused when not', () => {
      const wrong: string[] = [];
      for (const sample of samples) {
        for (const place of placesIn(sample)) {
          const refused = makeJunk().filter(thing => {
            const word = putInto(sample, place, thing);
            const isGood = conforms(form, word);
            if (isTaken(word) !== isGood) {
              wrong.push(
                `${place.join('.')} = ${showValue(thing)}: ${isGood ? 'refused' : 'taken'}`,
              );
            }
            return !isGood;
          });
          expect(refused.length).toBeGreaterThan(10);
        }
      }
      expect(wrong).toEqual([]);
    });
  },
);
