/**
 * A second wall behind SES: whoever broke out of the vat's Compartment finds a
 * worker without network, storage, or ways to other realms. Runs when it is
 * imported, before anything else of the worker. What a platform lacks is
 * skipped. `postMessage` and `close` are the worker's way to the vat host, which
 * has nothing to hear from a vat; the port to the kernel comes as a message.
 * Of clocks `Date` stays, which tells whole milliseconds.
 */
const NAMES = Object.freeze([
  // Network
  'fetch fetchLater Request Response Headers WebSocket WebSocketStream WebSocketError WebTransport EventSource',
  'XMLHttpRequest XMLHttpRequestUpload XMLHttpRequestEventTarget importScripts CloseEvent FontFace FontFaceSet fonts',
  'RTCPeerConnection webkitRTCPeerConnection RTCDataChannel RTCIceTransport TCPSocket UDPSocket TCPServerSocket',
  'Presentation PresentationRequest PushManager ServiceWorkerRegistration BackgroundFetchManager Notification',
  // Storage
  'indexedDB webkitIndexedDB caches CacheStorage Cache cookieStore CookieStore localStorage sessionStorage Storage',
  'StorageManager StorageBucketManager StorageBucket FileSystemHandle FileSystemFileHandle FileSystemDirectoryHandle',
  'FileSystemSyncAccessHandle webkitRequestFileSystem webkitRequestFileSystemSync',
  'webkitResolveLocalFileSystemURL webkitResolveLocalFileSystemSyncURL',
  // Other realms and threads
  'Worker SharedWorker ServiceWorker BroadcastChannel LockManager SharedArrayBuffer WebAssembly Worklet',
  'postMessage close chrome browser opener parent top frames location origin navigator Navigator WorkerNavigator trustedTypes',
  // Clocks, and what shows how busy the machine is
  'performance Performance PerformanceObserver PerformanceEntry EventCounts requestAnimationFrame cancelAnimationFrame',
  'OffscreenCanvas createImageBitmap ImageDecoder VideoDecoder VideoEncoder AudioDecoder AudioEncoder',
  // Devices
  'USB HID Serial Bluetooth GPU PressureObserver IdleDetector XRSystem',
  // Node's: what a script of a worker is given beside the Web's
  'require module exports __filename __dirname',
]).flatMap(line => line.split(' '));

/** Functions that hang on a global which stays. */
const MEMBERS = Object.freeze([
  ['URL', 'createObjectURL'],
  ['URL', 'revokeObjectURL'],
] as const);

const removeFrom = (target: object, name: PropertyKey): void => {
  for (
    let holder: object | null = target;
    holder !== null && holder !== Object.prototype;
    holder = Reflect.getPrototypeOf(holder)
  ) {
    if (Object.hasOwn(holder, name) && !Reflect.deleteProperty(holder, name)) {
      // Not configurable: a writable one can still be emptied.
      Reflect.set(holder, name, undefined);
    }
  }
};

/** Removes them from a global object; gives the names that could not be removed. */
export const stripGlobals = (scope: object): readonly string[] => {
  for (const name of NAMES) {
    removeFrom(scope, name);
  }
  for (const [owner, name] of MEMBERS) {
    const holder: unknown = Reflect.get(scope, owner);
    if (typeof holder === 'function') {
      removeFrom(holder, name);
    }
  }
  return Object.freeze(
    NAMES.filter(name => Reflect.get(scope, name) !== undefined),
  );
};
