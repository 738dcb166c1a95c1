import { useLayoutEffect } from 'preact/hooks';

/**
 * When what has the focus goes, the first button that is left in the place gets
 * it, or else the room's tab: to be called in what renders the place, each time.
 */
export const useKeptFocus = (place: {
  readonly current: HTMLElement | null;
}): void => {
  // What is in the document now is what was rendered last.
  const hadFocus = place.current?.contains(document.activeElement) === true;
  useLayoutEffect(() => {
    if (hadFocus && document.activeElement === document.body) {
      const next =
        place.current?.querySelector('button') ??
        document.querySelector<HTMLElement>('[role=tab][aria-selected=true]');
      next?.focus();
    }
  });
};
