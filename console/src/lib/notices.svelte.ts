// Short words about what was just done, read out by screen readers and gone after a while.

export interface Notice {
  id: number;
  text: string;
  /** What takes it back, if anything can. */
  undo?: () => Promise<void>;
}

const SHOWN_FOR = 6_000;
const SHOWN_FOR_WITH_UNDO = 20_000;
let last = 0;
const state = $state<{ notices: Notice[] }>({ notices: [] });

export const notices = (): Notice[] => state.notices;

export function notify(text: string, undo?: () => Promise<void>): void {
  const id = ++last;
  state.notices.push({ id, text, ...(undo ? { undo } : {}) });
  setTimeout(() => dismiss(id), undo ? SHOWN_FOR_WITH_UNDO : SHOWN_FOR);
}

export function dismiss(id: number): void {
  state.notices = state.notices.filter((notice) => notice.id !== id);
}
