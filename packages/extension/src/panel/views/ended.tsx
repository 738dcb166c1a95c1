/** @jsxImportSource preact */
import type { EndedVat } from '@cooperage/protocol';

/** Vats that are no more, and why; folded until somebody wants to know. */
export const Ended = ({ vats }: { readonly vats: readonly EndedVat[] }) =>
  vats.length === 0 ? null : (
    <details class="ended">
      <summary>Ended lately ({vats.length})</summary>
      <ul>
        {vats.map(({ id, cluster, name, incarnation, reason, at }) => (
          <li key={id}>
            <time dateTime={new Date(at).toISOString()}>
              {new Date(at).toLocaleString('en-GB')}
            </time>{' '}
            {cluster}.{name} ({id}), incarnation {incarnation}: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
