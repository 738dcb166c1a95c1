/** @jsxImportSource preact */
import { useRef } from 'preact/hooks';
import { useKeptFocus } from './kept-focus.ts';

export type Tab<Name extends string> = {
  readonly name: Name;
  readonly text: string;
  readonly count?: number;
};

const nextIndex = (key: string, at: number, count: number): number => {
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return (at + 1) % count;
    case 'ArrowLeft':
    case 'ArrowUp':
      return (at + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
};

/** Tabs with one stop in the tab order and arrows between them. */
export const Tabs = <Name extends string>({
  tabs,
  chosen,
  label,
  onChoose,
}: {
  readonly tabs: readonly Tab<Name>[];
  readonly chosen: Name;
  readonly label: string;
  readonly onChoose: (name: Name) => void;
}) => {
  const list = useRef<HTMLDivElement>(null);
  // The tab of what is shown beside the rooms goes.
  useKeptFocus(list);
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ name }) => name === chosen);
    const next = nextIndex(event.key, at, tabs.length);
    const tab = tabs[next];
    if (tab) {
      event.preventDefault();
      onChoose(tab.name);
      const target = list.current?.children[next];
      if (target instanceof HTMLElement) {
        target.focus();
      }
    }
  };
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label={label}
      ref={list}
      onKeyDown={onKeyDown}
    >
      {tabs.map(({ name, text, count }) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === chosen}
          aria-controls={`room-${name}`}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {text}
          {count === undefined || count === 0 ? null : (
            <>
              {' '}
              <span class="count">{count}</span>
            </>
          )}
        </button>
      ))}
    </div>
  );
};
