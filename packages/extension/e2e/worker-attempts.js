/**
 * A script for the own realm of a vat's worker, read as text by isolation.test.ts.
 * What somebody who broke out of a vat's Compartment would try. Tries all of it,
 * and gives for each name 'absent', 'refused: …' or 'reached'.
 */
globalThis.tryEverything = async urls => {
  const scope = globalThis;
  const settled = (target, good) =>
    new Promise((resolve, reject) => {
      target.addEventListener(good, () => resolve(good));
      target.addEventListener('error', () => reject(new Error('error event')));
    });
  const make = (name, ...args) => scope[name] && new scope[name](...args);
  /** What the policy refused, by the directive that did. */
  const violations = {};
  scope.addEventListener?.(
    'securitypolicyviolation',
    ({ effectiveDirective: name }) => {
      violations[name] = (violations[name] ?? 0) + 1;
    },
  );
  const blobOf = text =>
    scope.URL.createObjectURL?.(new Blob([text], { type: 'text/javascript' }));
  /** Hears what another worker says that tries the same. */
  const hearNeighbor = () => {
    const channel = make('BroadcastChannel', 'neighbors');
    return (
      channel &&
      new Promise((resolve, reject) => {
        channel.onmessage = ({ data }) => resolve(data);
        channel.postMessage('here is another');
        setTimeout(reject, 10_000, new Error('nobody is to be heard'));
      })
    );
  };
  /** Has another worker see memory of this one change. */
  const shareMemory = () => {
    const memory =
      scope.WebAssembly &&
      new scope.WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const url = memory && scope.Worker && blobOf('');
    const worker = url && make('Worker', url);
    worker?.postMessage(memory);
    return worker;
  };
  /** The least step of the finest clock, of those that were seen. */
  const stepOfClock = () => {
    const clock = scope.performance;
    const steps = [];
    for (let last = clock?.now(); clock && steps.length < 30;) {
      const now = clock.now();
      if (now !== last) {
        steps.push(now - last);
        last = now;
      }
    }
    return clock && `${Math.round(Math.min(...steps) * 1000)} µs`;
  };
  const broadcast = () => {
    const channel = make('BroadcastChannel', 'rogue');
    channel?.postMessage('is anybody there?');
    return channel;
  };

  const attempts = {
    fetch: () => scope.fetch?.(urls.http),
    'fetch no-cors': () => scope.fetch?.(urls.http, { mode: 'no-cors' }),
    'fetch keepalive': () =>
      scope.fetch?.(urls.http, { keepalive: true, method: 'POST' }),
    'fetch own file': () => scope.fetch?.(urls.own),
    XMLHttpRequest: () => {
      const request = make('XMLHttpRequest');
      request?.open('GET', urls.http, false);
      request?.send();
      return request;
    },
    WebSocket: () => {
      const socket = make('WebSocket', urls.ws);
      return socket && settled(socket, 'open');
    },
    WebSocketStream: () => make('WebSocketStream', urls.ws)?.opened,
    EventSource: () => {
      const source = make('EventSource', urls.http);
      return source && settled(source, 'open');
    },
    WebTransport: () =>
      make('WebTransport', urls.http.replace('http', 'https'))?.ready,
    RTCPeerConnection: () => make('RTCPeerConnection'),
    FontFace: () => make('FontFace', 'rogue', `url(${urls.http})`)?.load(),
    importScripts: () =>
      scope.importScripts?.(urls.http) ?? scope.importScripts,
    'importScripts own file': () =>
      scope.importScripts?.(urls.own) ?? scope.importScripts,
    'import()': () => import(urls.http),
    'import() own file': () => import(urls.own),
    Worker: () => {
      const worker = make('Worker', urls.http);
      return worker && settled(worker, 'message');
    },
    SharedWorker: () => make('SharedWorker', urls.http),
    'Worker of a blob': () => {
      const url = scope.Worker && blobOf('postMessage(typeof indexedDB)');
      const worker = url && make('Worker', url);
      return worker && settled(worker, 'message');
    },
    'fetch in a worker of a blob': () => {
      const url =
        scope.Worker &&
        blobOf(
          `fetch(${JSON.stringify(urls.http)}).then(() => postMessage(1), error => { throw error; })`,
        );
      const worker = url && make('Worker', url);
      return (
        worker &&
        settled(
          {
            addEventListener: (kind, listener) => {
              worker.addEventListener(kind, listener);
              // What nobody catches in it is an event of its own there.
              if (kind === 'error') setTimeout(listener, 500);
            },
          },
          'message',
        )
      );
    },
    'importScripts of a blob': () => {
      const url = scope.importScripts && blobOf('globalThis.isImported = true');
      return url && (scope.importScripts(url), scope.isImported);
    },
    SharedArrayBuffer: () => scope.SharedArrayBuffer,
    'shared memory of WebAssembly': () =>
      scope.WebAssembly &&
      new scope.WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
    'sharing of that memory': shareMemory,
    BroadcastChannel: broadcast,
    'BroadcastChannel of a neighbor': hearNeighbor,
    performance: () => scope.performance,
    OffscreenCanvas: () => scope.OffscreenCanvas,
    crossOriginIsolated: () => scope.crossOriginIsolated || undefined,
    indexedDB: () =>
      scope.indexedDB && settled(scope.indexedDB.open('rogue'), 'success'),
    caches: () => scope.caches?.keys(),
    'navigator.storage': () => scope.navigator?.storage?.getDirectory(),
    'navigator.locks': () => scope.navigator?.locks?.query(),
    postMessage: () => scope.postMessage,
    close: () => scope.close,
    chrome: () => scope.chrome,
    browser: () => scope.browser,
  };

  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      results[name] = (await attempt()) === undefined ? 'absent' : 'reached';
    } catch (problem) {
      results[name] = `refused: ${problem.name}`;
    }
  }
  // Violations are told by tasks of their own.
  await new Promise(resolve => setTimeout(resolve));
  results.violations = Object.entries(violations)
    .sort()
    .map(each => each.join(' '))
    .join(', ');
  results.clock = stepOfClock() ?? 'absent';
  return results;
};
