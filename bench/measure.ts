import { CASES } from './cases/index.ts';
import { findCases } from './catalogue.mjs';
import type { BenchCase, Figure, Platform, Stage } from './stage.ts';

/** A figure of one platform. */
export type Result = Figure & { readonly platform: Platform };

/** What a process that measures tells its parent. */
export type Report = {
  readonly results: readonly Result[];
  /** Names of the cases that could not be measured; why has been printed. */
  readonly failed: readonly string[];
};

/** Measures on the stage the cases that are wanted by their names or by those of their figures, or all, and ends it. */
export const measureCases = async (
  stage: Stage,
  wanted: readonly string[],
): Promise<Report> => {
  const results: Result[] = [];
  const failed: string[] = [];
  const { platform } = stage;
  const measureCase = async ({
    name,
    figures,
    measure,
  }: BenchCase): Promise<void> => {
    const start = performance.now();
    try {
      const found = await measure(stage);
      const foreign = found.find(each => !figures.includes(each.name));
      if (foreign !== undefined) {
        throw Error(`it does not say that it measures ${foreign.name}`);
      }
      results.push(...found.map(figure => ({ ...figure, platform })));
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.error(`${platform}: ${name} measured in ${seconds} s`);
    } catch (problem) {
      failed.push(name);
      console.error(`${platform}: ${name} failed:`, problem);
    }
  };
  try {
    for (const each of findCases(CASES, wanted)) {
      if (each.platforms.includes(platform)) {
        await measureCase(each);
      }
    }
  } finally {
    await stage.end();
  }
  return { results, failed };
};
