import { PROVIDED_MODULES } from '@cooperage/protocol';
import { ModuleSource } from '@endo/module-source';

/** One module as a person pasted it. */
export type PastedModule = {
  readonly source: string;
  /** What errors and stack traces call it. */
  readonly name: string;
};

/**
 * A bundle of moduleFormat `cooperageModule`, or what is wrong: a sentence, and
 * where in the source, both counted from 1, when there is a place.
 */
export type CompiledModule =
  { readonly ok: true; readonly bundleText: string } | CompileProblem;

export type CompileProblem = {
  readonly ok: false;
  readonly problem: string;
  readonly line?: number;
  readonly column?: number;
};

type Place = { readonly line: number; readonly column: number };

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** The place that Babel's error carries; its columns count from 0. */
const placeOfError = (error: unknown): Place | undefined => {
  const loc = isFields(error) ? error['loc'] : undefined;
  const line = isFields(loc) ? loc['line'] : undefined;
  const column = isFields(loc) ? loc['column'] : undefined;
  return typeof line === 'number' && typeof column === 'number'
    ? { line, column: column + 1 }
    : undefined;
};

const problemAt = (problem: string, place?: Place): CompileProblem =>
  Object.freeze(
    place === undefined
      ? { ok: false, problem }
      : { ok: false, problem: `line ${place.line}: ${problem}`, ...place },
  );

const problemOfError = (error: unknown): CompileProblem => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const place = placeOfError(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  // Babel ends its sentence with the place, which we give in our own way.
  return problemAt(message.replace(/ \(\d+:\d+\)$/, ''), place);
};

/**
 * Where a text first stands in the source, lines that begin with `first`
 * preferred. The record has no places; this only points, and decides nothing.
 */
const find = (
  source: string,
  candidates: readonly string[],
  first = /^/,
): Place | undefined => {
  const places = source.split('\n').flatMap((text, index) => {
    const columns = candidates
      .map(each => text.indexOf(each))
      .filter(column => column >= 0);
    return columns.length === 0
      ? []
      : [{ text, line: index + 1, column: Math.min(...columns) + 1 }];
  });
  const found = places.find(({ text }) => first.test(text)) ?? places[0];
  return found && { line: found.line, column: found.column };
};

const problemOfRecord = (
  record: ModuleSource,
  source: string,
): CompileProblem | undefined => {
  const known: readonly string[] = PROVIDED_MODULES;
  const stranger = record.imports.find(each => !known.includes(each));
  if (stranger !== undefined) {
    return problemAt(
      `the import ${JSON.stringify(stranger)} is not one of ${known.join(', ')}`,
      find(
        source,
        [`'${stranger}'`, `"${stranger}"`],
        /^\s*(import|export|\})/,
      ),
    );
  }
  if (record.__needsImport__) {
    return problemAt(
      'a vat has no dynamic import: write a static one',
      find(source, ['import(', 'import (']),
    );
  }
  if (record.__needsImportMeta__) {
    return problemAt(
      'a vat has no import.meta: it was loaded from no address',
      find(source, ['import.meta']),
    );
  }
  if (!record.exports.includes('buildRootObject')) {
    const others = record.exports.join(', ') || 'nothing';
    return problemAt(
      `the module exports no buildRootObject (it exports ${others})`,
    );
  }
  return undefined;
};

/**
 * Compiles one ES module for a Compartment, by its syntax tree and without
 * running anything: no lockdown and no eval is needed.
 */
export const compileModule = ({
  source,
  name,
}: PastedModule): CompiledModule => {
  let record: ModuleSource;
  try {
    // A URL, or ModuleSource leaves it out of the program.
    const sourceUrl = `cooperage-vat:${name.replace(/[^\w.-]/g, '_')}`;
    record = new ModuleSource(source, { sourceUrl });
  } catch (error) {
    return problemOfError(error);
  }
  const problem = problemOfRecord(record, source);
  return (
    problem ??
    Object.freeze({
      ok: true,
      bundleText: JSON.stringify({ moduleFormat: 'cooperageModule', record }),
    })
  );
};
