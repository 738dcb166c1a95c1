/** @jsxImportSource preact */
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';

/** Leads to what the kernel knows of the subject, which people call `name`. */
export const InspectButton = ({
  bench,
  subject,
  name,
}: {
  readonly bench: Bench;
  readonly subject: string;
  readonly name: string;
}) => (
  <Button
    tone="quiet"
    label={`Inspect ${name}`}
    onPress={() => bench.inspect(subject)}
  >
    Inspect
  </Button>
);
