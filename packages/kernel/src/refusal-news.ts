import harden from '@endo/harden';
import {
  isVatId,
  type EndpointId,
  type LogLevel,
  type VatId,
} from '@cooperage/protocol';

type Refused = { count: number; problem: string };

/**
 * What was refused to endpoints and nobody is told of otherwise: a message that
 * wants no answer, or an answer that became a rejection. It comes into the log,
 * in a line for each endpoint and turn.
 */
export const makeRefusalNews = ({
  say,
  write,
}: {
  say: (vat: VatId, level: LogLevel, text: string) => void;
  write: (label: string, level: LogLevel, text: string) => void;
}) => {
  const refused = new Map<EndpointId, Refused>();

  const lineOf = ({ count, problem }: Refused): string =>
    count === 1
      ? `refused: ${problem}`
      : `${count} messages or answers were refused; the last one: ${problem}`;

  return harden({
    note: (endpoint: EndpointId, problem: string): void => {
      const count = (refused.get(endpoint)?.count ?? 0) + 1;
      refused.set(endpoint, { count, problem });
    },
    /** To be called when no crank is open. */
    tell: (): void => {
      for (const [endpoint, what] of refused) {
        if (isVatId(endpoint)) {
          say(endpoint, 'warn', lineOf(what));
        } else {
          write(`session ${endpoint}`, 'warn', lineOf(what));
        }
      }
      refused.clear();
    },
  });
};
harden(makeRefusalNews);
