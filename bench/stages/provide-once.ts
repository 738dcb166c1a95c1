/** The same thing again for the same name. */
export const provideOnce = <Name, Thing>(
  make: (name: Name) => Promise<Thing>,
): ((name: Name) => Promise<Thing>) => {
  const made = new Map<Name, Promise<Thing>>();
  return name => {
    const known = made.get(name);
    if (known !== undefined) {
      return known;
    }
    const thing = make(name);
    made.set(name, thing);
    return thing;
  };
};
