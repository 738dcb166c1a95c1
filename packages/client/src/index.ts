/**
 * Sessions with the kernel for whoever stands outside of it. The realm must be
 * locked: import `@cooperage/client/lockdown` before anything else.
 */
export type { Connect, Observers, OnNotify, Rpc } from './connection.ts';
export { makeConsole, type ClientConsole } from './console.ts';
export type { KernelFacade, Launched } from './kernel-facade.ts';
export type { Home } from './home.ts';
export { openSession, type Session } from './session.ts';
