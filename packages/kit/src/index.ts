export { makeNodeVats, provideNodeVatText } from './node-vats.ts';
export { buildWorkerText, provideWorkerText } from './worker-text.ts';
