import { measureCases } from './measure.ts';
import { makeChromiumStage } from './stages/chromium-stage.ts';
import type { ChromiumOptions } from './stages/chromium-stage.ts';

export const measureInChromium = ({
  wanted,
  ...options
}: ChromiumOptions & { readonly wanted: readonly string[] }) =>
  measureCases(makeChromiumStage(options), wanted);
