/**
 * The version of everything in this package: both ends of every port compare
 * it in their handshake, and a difference closes the port with a clear error.
 */
export const PROTOCOL_VERSION = 1;

/**
 * What writes into the kernel's database and the vats' stores, by its version;
 * noted in the database by every kernel that has run over it.
 */
export const STORE_WRITERS = Object.freeze({
  cooperage: '0.1.0',
  liveslots: '0.11.0',
});
