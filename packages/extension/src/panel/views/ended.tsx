/** @jsxImportSource preact */
import type { EndedVat } from '@cooperage/protocol';
import { LongText } from '../ui/long-text.tsx';

/** Vats that are no more, and why; folded until somebody wants to know. */
export const Ended = ({ vats }: { readonly vats: readonly EndedVat[] }) =>
  vats.length === 0 ? null : (
    <details class="ended">
      <summary>Ended lately ({vats.length})</summary>
      <ul>
        {vats.map(({ id, cluster, name, incarnation, reason, at }) => (
          <li key={id}>
            <p class="facts">
              <strong>
                {cluster}.{name}
              </strong>
              <code title="The kernel’s name for it">{id}</code>
              <span>incarnation {incarnation}</span>
              <time dateTime={new Date(at).toISOString()}>
                {new Date(at).toLocaleString('en-GB')}
              </time>
            </p>
            <div>
              <LongText text={reason} />
            </div>
          </li>
        ))}
      </ul>
    </details>
  );
