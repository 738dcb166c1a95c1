import harden from '@endo/harden';

/** UTF-16 units after which a statement gets its own JSON: wasm memory grows and never shrinks. */
const UNITS_PER_BATCH = 1_000_000;

/**
 * Rows without blobs as JSON arrays for `json_each`, several when they are
 * big. A lone surrogate becomes U+FFFD here, as it does in every UTF-8 text.
 */
export const jsonBatches = (
  rows: readonly (readonly unknown[])[],
): string[] => {
  const batches: string[] = [];
  let parts: string[] = [];
  let units = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (units > 0 && units + text.length > UNITS_PER_BATCH) {
      batches.push(`[${parts.join()}]`);
      parts = [];
      units = 0;
    }
    parts.push(text);
    units += text.length;
  }
  if (parts.length > 0) {
    batches.push(`[${parts.join()}]`);
  }
  return batches;
};
harden(jsonBatches);
