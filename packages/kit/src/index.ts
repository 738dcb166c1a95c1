export { provideNodeVatText } from './node-vat-text.ts';
export { makeNodeVats } from './node-vats.ts';
export {
  copyNodeImage,
  makeNodeImage,
  openNodePlatform,
  type NodeImage,
  type NodePlatformOptions,
  type StorageKind,
} from './node-platform.ts';
export { startRig, takeStock, type Rig, type RigOptions } from './rig.ts';
export { buildWorkerText, provideWorkerText } from './worker-text.ts';
