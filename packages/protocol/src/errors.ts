/**
 * Codes of every error that crosses a port. A message says what happened, to
 * which thing, and what to do; the code is what a program may test.
 */
export const ERROR_CODES = Object.freeze([
  'BACKUP_FAILED',
  'BAD_CONFIG',
  'BAD_BUNDLE',
  'BAD_REQUEST',
  'BUNDLE_UNKNOWN',
  'BUNDLE_UNREACHABLE',
  'CLUSTER_EXISTS',
  'CLUSTER_UNKNOWN',
  'KERNEL_FAILED',
  'KERNEL_STOPPED',
  'KERNEL_UNREACHABLE',
  'LAUNCH_FAILED',
  'LIMIT_REACHED',
  'MARK_UNKNOWN',
  'NAME_TAKEN',
  'NOT_ALLOWED',
  'OBJECT_UNKNOWN',
  'SESSION_CLOSED',
  'SERVICE_UNKNOWN',
  'SITES_NOT_ALLOWED',
  'STORAGE_FAILED',
  'STORAGE_FULL',
  'STORAGE_IN_USE',
  'STORE_DAMAGED',
  'UPGRADE_FAILED',
  'VAT_FAULT',
  'VAT_UNKNOWN',
] as const);
export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error with a code, and with data that the one who asked may see. */
export class CooperageError extends Error {
  readonly code: ErrorCode;

  readonly data: unknown;

  constructor(code: ErrorCode, message: string, data?: unknown) {
    super(message);
    this.name = 'CooperageError';
    this.code = code;
    this.data = data;
  }
}
