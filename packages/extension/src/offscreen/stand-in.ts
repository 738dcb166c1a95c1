import {
  CooperageError,
  METHOD_PRIVILEGE,
  PROTOCOL_VERSION,
  type KernelStatus,
} from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  makeRpc,
} from '@cooperage/streams';

const HELLO_MILLISECONDS = 10_000;

/** Answers a client in the kernel's place: `status` with how things are, everything else with the reason why not. */
export const serveInstead = (
  { client, port }: { readonly client: string; readonly port: MessagePort },
  now: Pick<KernelStatus, 'state' | 'reason'>,
): void => {
  const status: KernelStatus = {
    ...now,
    version: PROTOCOL_VERSION,
    clusters: [],
    launches: [],
    home: [],
    sessions: 0,
    cranks: 0,
    commits: 0,
    sql: { statements: 0, rows: 0, bytes: 0 },
  };
  const refuse = (): never => {
    throw new CooperageError(
      'KERNEL_FAILED',
      `The kernel does not run (${now.state}): ${now.reason ?? 'no reason given'}`,
    );
  };
  const stream = makeMessagePortStream(port, { label: 'stand-in' });
  makeHandshake(stream, {
    version: PROTOCOL_VERSION,
    nonce: client,
    signal: AbortSignal.timeout(HELLO_MILLISECONDS),
  }).then(
    () =>
      makeRpc(stream, {
        label: 'stand-in',
        methods: {
          ...Object.fromEntries(
            Object.keys(METHOD_PRIVILEGE).map(name => [name, refuse]),
          ),
          status: () => status,
          subscribe: () => status,
        },
        // What a client tells its session has nobody to hear it.
        onNotify: () => {},
      }),
    // The handshake has closed the stream with the reason; the client has it.
    () => {},
  );
};
