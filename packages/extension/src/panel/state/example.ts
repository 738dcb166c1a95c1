/** What stands in the field for source at first. */
export const EXAMPLE_SOURCE = `import { Far } from '@endo/far';

export const buildRootObject = () =>
  Far('Greeter', {
    hello: name => \`Hello, \${name}!\`,
  });
`;
