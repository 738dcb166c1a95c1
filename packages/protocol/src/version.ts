/**
 * The version of everything in this package: both ends of every port compare
 * it in their handshake, and a difference closes the port with a clear error.
 */
export const PROTOCOL_VERSION = 1;
