import type { ControlMethods, KernelNotifications } from '@cooperage/protocol';
import { makeRpc, type DuplexStream } from '@cooperage/streams';
import type { Link, LinkListener, OpenLink } from './link.ts';

/** Beyond a bundle of the largest size, in UTF-16. */
const MAX_BYTES = 2 ** 26;

const tell = (listener: LinkListener, name: string, params: unknown): void => {
  switch (name) {
    case 'state':
      return listener.state(params as KernelNotifications['state']);
    case 'log':
      return listener.log(params as KernelNotifications['log']);
    case 'deliver':
      return listener.deliver(params as KernelNotifications['deliver']);
    case 'sessionEnded':
      return listener.sessionEnded(
        params as KernelNotifications['sessionEnded'],
      );
    default:
      // A newer kernel may tell more than this panel can show.
      return undefined;
  }
};

/** Links over the streams that `connect` gives. The panel trusts the kernel: its words are not checked again. */
export const makeRpcOpener =
  (connect: () => Promise<DuplexStream<unknown, unknown>>): OpenLink =>
  async listener => {
    const rpc = makeRpc(await connect(), {
      label: 'kernel',
      maxBytes: MAX_BYTES,
      onNotify: (name, params) => tell(listener, name, params),
    });
    return Object.freeze({
      call: async <Method extends keyof ControlMethods>(
        method: Method,
        params: ControlMethods[Method]['params'],
      ) => (await rpc.call(method, params)) as ControlMethods[Method]['result'],
      notify: (name, params) => rpc.notify(name, params),
      close: () => rpc.close(),
      closed: rpc.closed.then(
        reason => reason?.message ?? 'the kernel closed the connection',
      ),
    } satisfies Link);
  };
