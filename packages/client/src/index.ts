export type { Connect, Observers, OnNotify, Rpc } from './connection.ts';
export { openSession, type Session } from './session.ts';
