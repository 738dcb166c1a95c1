export * from './ports.ts';
export { makeKernel, type Kernel } from './kernel.ts';
export type { KernelOptions } from './kernel-options.ts';
export type { ClientOptions } from './control.ts';
export { checkStorage } from './storage-check.ts';
export type { State } from './store/state.ts';
