export * from './ports.ts';
export { makeKernel, type Kernel, type KernelOptions } from './kernel.ts';
export type { ClientOptions } from './control.ts';
export type { State } from './store/state.ts';
