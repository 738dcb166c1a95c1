import { runVat } from '../floor/vat.ts';

/** The vat host's one message: this vat's port to the kernel. */
globalThis.onmessage = ({ data }) => runVat(data.port);
